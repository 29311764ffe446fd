"""The audit: who changed what, from where, and how it ended. Entries are added and aged out."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select

from castalia.db.filtering import Search, Searchable
from castalia.db.paging import Listing, page_of
from castalia.db.tables import audit
from castalia.model.access import AuditEntry
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest


def insert(connection: Connection, entry: AuditEntry) -> None:
    """Keeps an entry."""
    values = {name: getattr(entry, name) for name in AuditEntry.__dataclass_fields__}
    connection.execute(sa.insert(audit).values(values))


def many(connection: Connection, ids: Sequence[str]) -> list[AuditEntry]:
    """The entries with these ids, in any order; unknown ids are left out."""
    rows = connection.execute(select(audit).where(audit.c.id.in_(ids)))
    return [AuditEntry(**row._mapping) for row in rows]


def page(connection: Connection, request: PageRequest) -> Page[AuditEntry]:
    """A page of entries. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def prune(connection: Connection, *, before: datetime) -> int:
    """Forgets entries from before that moment; how many were forgotten."""
    return connection.execute(sa.delete(audit).where(audit.c.at < before)).rowcount


_LISTING = Listing(
    source=audit,
    id=audit.c.id,
    sorts={"at": audit.c.at, "user": audit.c.user_name, "action": audit.c.action},
    search=Searchable(
        fields={
            "user": Search(column=audit.c.user_name),
            "action": Search(column=audit.c.action),
            "target": Search(column=audit.c.target),
            "outcome": Search(column=audit.c.outcome),
            "source": Search(column=audit.c.source),
            "channel": Search(column=audit.c.channel),
            "at": Search(column=audit.c.at, kind=Kind.TIME),
        },
        text=(audit.c.user_name, audit.c.action, audit.c.target, audit.c.detail),
    ),
)
