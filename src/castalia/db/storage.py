"""Repositories as the manager knows them; volumes are in `volumes.py` and offered here too."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Select, func, or_, select

from castalia.db import references
from castalia.db.filtering import Search, Searchable
from castalia.db.paging import Listing, page_of
from castalia.db.tables import hosts, repositories, volumes
from castalia.db.vm_list import host_clause
from castalia.db.volume_sync import sync_volumes
from castalia.db.volumes import (
    chain,
    users_of_repository,
    volume_at,
    volume_in,
    volume_page,
    volumes_many,
    volumes_named,
)
from castalia.model.event import Change
from castalia.model.filters import Kind
from castalia.model.ids import new_id
from castalia.model.page import Page, PageRequest
from castalia.model.storage import Repository, RepositoryFacts, RepositoryState

__all__ = [
    "chain",
    "count",
    "every",
    "find",
    "many",
    "of_host",
    "page",
    "sync",
    "users_of_repository",
    "volume_at",
    "volume_in",
    "volume_page",
    "volumes_many",
    "volumes_named",
]

_VOLUME_COUNT = (
    select(func.count())
    .select_from(volumes)
    .where(volumes.c.repository_id == repositories.c.id)
    .scalar_subquery()
)


def find(connection: Connection, ref: str, *, host_id: str = "") -> Repository:
    """The repository with that id, unique name (on one host, if given), or `host/name`.

    Raises NotFound or Conflict (`repository.ambiguous`).
    """
    if by_id := many(connection, [ref]):
        return by_id[0]
    host, name = references.split(ref)
    query = _selection().where(repositories.c.name == name)
    if host:
        query = query.where(or_(hosts.c.name == host, hosts.c.id == host))
    if host_id:
        query = query.where(repositories.c.host_id == host_id)
    found = [_from_row(row) for row in connection.execute(query)]
    named = [(f"{one.host_name}/{one.name}", one) for one in found]
    return references.only(named, noun="repository", ref=ref)


def many(connection: Connection, ids: Sequence[str]) -> list[Repository]:
    """The repositories with these ids, in any order; unknown ids are left out."""
    query = _selection().where(repositories.c.id.in_(ids))
    return [_from_row(row) for row in connection.execute(query)]


def every(connection: Connection) -> list[Repository]:
    """All repositories, by name."""
    rows = connection.execute(_selection().order_by(repositories.c.name, repositories.c.id))
    return [_from_row(row) for row in rows]


def of_host(connection: Connection, host_id: str) -> list[Repository]:
    """The repositories of a host, by name."""
    query = _selection().where(repositories.c.host_id == host_id).order_by(repositories.c.name)
    return [_from_row(row) for row in connection.execute(query)]


def page(connection: Connection, request: PageRequest) -> Page[Repository]:
    """A page of repositories. Raises InvalidRequest naming `limit`, `sort`, `filter` or
    `cursor`."""
    return page_of(connection, _LISTING, request, many)


def count(connection: Connection) -> int:
    """How many repositories there are."""
    return connection.scalar(select(func.count()).select_from(repositories)) or 0


def sync(
    connection: Connection,
    host_id: str,
    facts: Sequence[RepositoryFacts],
    *,
    taken_at: datetime,
) -> list[Change]:
    """Makes the stored repositories and volumes of a host what `facts`, a report begun at
    `taken_at`, say, and returns which repositories changed, be it in a volume."""
    stored = {one.name: one for one in of_host(connection, host_id)}
    reported = {one.name: one for one in facts}
    gone = stored.keys() - reported.keys()
    changes = [_remove(connection, stored[name]) for name in gone]
    for name, fresh in reported.items():
        changes += _renewed(connection, host_id, stored.get(name), fresh, taken_at)
    return changes


def _renewed(
    connection: Connection,
    host_id: str,
    known: Repository | None,
    facts: RepositoryFacts,
    taken_at: datetime,
) -> list[Change]:
    id = known.id if known else new_id()
    values = _values(facts)
    verb = "created" if known is None else "updated"
    if known is None:
        own = {"id": id, "host_id": host_id, "revision": 1}
        connection.execute(sa.insert(repositories).values(values | own))
    changed = known is None or values != {name: getattr(known, name) for name in values}
    if known is not None and changed:
        connection.execute(sa.update(repositories).where(repositories.c.id == id).values(values))
    if sync_volumes(connection, id, facts.volumes, taken_at=taken_at) or changed:
        return [_change(id, host_id, facts.name, str(values["state"]), verb)]
    return []


def _remove(connection: Connection, known: Repository) -> Change:
    connection.execute(sa.delete(repositories).where(repositories.c.id == known.id))
    return _change(known.id, known.host_id, known.name, "missing", "deleted")


def _change(id: str, host_id: str, name: str, state: str, verb: str) -> Change:
    data = {"name": name, "host_id": host_id, "state": state}
    return Change(noun="repository", id=id, verb=verb, data=data)


def _values(facts: RepositoryFacts) -> dict[str, Any]:
    state = RepositoryState.ACTIVE if facts.active else RepositoryState.INACTIVE
    copied = (
        *("name", "path", "kind"),
        *("capacity_bytes", "allocation_bytes", "available_bytes"),
    )
    return {name: getattr(facts, name) for name in copied} | {"state": state.value}


def _selection() -> Select[Any]:
    joined = repositories.join(hosts, repositories.c.host_id == hosts.c.id)
    extra = (hosts.c.name.label("host_name"), _VOLUME_COUNT.label("volume_count"))
    return select(repositories, *extra).select_from(joined)


def _from_row(row: Row[Any]) -> Repository:
    return Repository(**dict(row._mapping) | {"state": RepositoryState(row.state)})


_HOST_NAME = select(hosts.c.name_key).where(hosts.c.id == repositories.c.host_id)
_LISTING = Listing(
    source=repositories,
    id=repositories.c.id,
    sorts={
        "name": repositories.c.name,
        "state": repositories.c.state,
        "host": _HOST_NAME.scalar_subquery(),
        "capacity": repositories.c.capacity_bytes,
        "available": repositories.c.available_bytes,
        "volumes": _VOLUME_COUNT,
    },
    search=Searchable(
        fields={
            "name": Search(column=repositories.c.name),
            "host": Search(clause=partial(host_clause, repositories.c.host_id)),
            "state": Search(column=repositories.c.state, choices=tuple(RepositoryState)),
            "kind": Search(column=repositories.c.kind),
            "path": Search(column=repositories.c.path),
            "free": Search(column=repositories.c.available_bytes, kind=Kind.BYTES),
            "capacity": Search(column=repositories.c.capacity_bytes, kind=Kind.BYTES),
            "id": Search(column=repositories.c.id),
        },
        text=(repositories.c.name, repositories.c.path),
    ),
)
