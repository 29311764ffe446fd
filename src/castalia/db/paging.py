"""Lists page by page: keyset pagination over a sort key and the id, stable while rows come and go.

A page costs the same wherever in the list it is, because it starts at a key and not at an offset.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, or_, select

from castalia.db.filtering import Searchable
from castalia.errors import InvalidRequest
from castalia.model.page import Page, PageRequest

T = TypeVar("T")
MAX_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How a noun is listed: its table (or join), its id, what it may be sorted by (never NULL), and
    what its search knows."""

    source: FromClause
    id: ColumnElement[Any]
    sorts: Mapping[str, ColumnElement[Any]]
    search: Searchable
    scope: ColumnElement[bool] | None = None


def page_of(
    connection: Connection,
    listing: Listing,
    request: PageRequest,
    load: Callable[[Connection, list[str]], list[T]],
) -> Page[T]:
    """The page that `request` asks for; `load` reads the rows with the given ids, in any order.

    Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`.
    """
    if not 1 <= request.limit <= MAX_LIMIT:
        remedy = f"Ask for 1 to {MAX_LIMIT} at a time."
        raise InvalidRequest("The limit is out of range.", field="limit", remedy=remedy)
    name, descending = request.sort.removeprefix("-"), request.sort.startswith("-")
    key = _sort_key(listing, name)
    condition = _condition(listing, request.filter)
    query = select(listing.id.label("id"), key.label("key")).select_from(listing.source)
    if condition is not None:
        query = query.where(condition)
    if request.cursor:
        query = query.where(_after(listing, key, request, descending=descending))
    order = [key.desc(), listing.id.desc()] if descending else [key, listing.id]
    rows = connection.execute(query.order_by(*order).limit(request.limit + 1)).all()
    ids = [row.id for row in rows[: request.limit]]
    more = len(rows) > request.limit
    cursor = _cursor(request.sort, rows[request.limit - 1]) if more else ""
    complete = not more and not request.cursor
    total = len(ids) if complete else _total(connection, listing, condition)
    return Page(items=_in_order(load(connection, ids), ids), next_cursor=cursor, total=total)


def _sort_key(listing: Listing, name: str) -> ColumnElement[Any]:
    if name not in listing.sorts:
        remedy = f"Use one of: {', '.join(sorted(listing.sorts))}; a leading - turns it around."
        raise InvalidRequest(f"The list cannot be sorted by {name!r}.", field="sort", remedy=remedy)
    return listing.sorts[name]


def _condition(listing: Listing, written: str) -> ColumnElement[bool] | None:
    parts = [p for p in (listing.scope, listing.search.where(written)) if p is not None]
    return and_(*parts) if parts else None


def _total(connection: Connection, listing: Listing, condition: ColumnElement[bool] | None) -> int:
    query: Select[Any] = select(func.count()).select_from(listing.source)
    if condition is not None:
        query = query.where(condition)
    return int(connection.execute(query).scalar_one())


def _in_order(items: list[T], ids: list[str]) -> list[T]:
    by_id = {getattr(item, "id"): item for item in items}  # noqa: B009 -- T is any noun with an id
    return [by_id[one] for one in ids if one in by_id]


def _after(
    listing: Listing, key: ColumnElement[Any], request: PageRequest, *, descending: bool
) -> ColumnElement[bool]:
    value, last_id = _read_cursor(request, key)
    if descending:
        return and_(key <= value, or_(key < value, listing.id < last_id))
    return and_(key >= value, or_(key > value, listing.id > last_id))


def _cursor(sort: str, row: Any) -> str:
    value = row.key.isoformat() if isinstance(row.key, datetime) else row.key
    return base64.urlsafe_b64encode(json.dumps([sort, value, row.id]).encode()).decode().rstrip("=")


def _read_cursor(request: PageRequest, key: ColumnElement[Any]) -> tuple[Any, str]:
    try:
        padded = request.cursor + "=" * (-len(request.cursor) % 4)
        sort, value, last_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if sort == request.sort:
            return _fitting(value, key.type.python_type), _fitting(last_id, str)
    except (ValueError, TypeError, RecursionError):
        pass
    remedy = "Take the next_cursor of the page before, with the same sort; or start without one."
    raise InvalidRequest("The cursor cannot be used.", field="cursor", remedy=remedy)


def _fitting(value: Any, kind: type) -> Any:
    """`value` if the database can compare it with a column of that kind; ValueError otherwise."""
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment
    if kind is str:
        if not isinstance(value, str) or b"\0" in value.encode():
            raise ValueError("no text")
        return value
    if not -(2**62) < value < 2**62:
        raise ValueError("out of range")
    return value
