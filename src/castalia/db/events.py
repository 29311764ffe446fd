"""Events for people: what happened, kept for the latest 50,000."""

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row, or_, select

from castalia.db.filtering import Search, Searchable, matches
from castalia.db.paging import Listing, page_of
from castalia.db.tables import events
from castalia.db.vm_list import host_clause
from castalia.model.event import Event, Severity
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest

KEPT = 50_000


def insert(connection: Connection, event: Event) -> None:
    """Keeps an event."""
    values = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    connection.execute(sa.insert(events).values(values | {"severity": event.severity.value}))


def many(connection: Connection, ids: Sequence[str]) -> list[Event]:
    """The events with these ids, in any order; unknown ids are left out."""
    return [_from_row(r) for r in connection.execute(select(events).where(events.c.id.in_(ids)))]


def page(connection: Connection, request: PageRequest) -> Page[Event]:
    """A page of events. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def prune(connection: Connection, *, keep: int = KEPT) -> int:
    """Forgets all but the latest `keep` events; how many were forgotten."""
    order = (events.c.at.desc(), events.c.id.desc())
    oldest_kept = select(events.c.at).order_by(*order).offset(keep - 1).limit(1)
    moment = connection.scalar(oldest_kept)
    if moment is None:
        return 0
    return connection.execute(sa.delete(events).where(events.c.at < moment)).rowcount


def _from_row(row: Row[tuple[object, ...]]) -> Event:
    return Event(**dict(row._mapping) | {"severity": Severity(row.severity)})


def _of_subject(noun: str, name: str) -> ColumnElement[bool]:
    """Whether an event is about the object of that name or id."""
    named = events.c.subject.like(f"{noun}:%") & matches(events.c.subject_name, name)
    return or_(named, events.c.subject == f"{noun}:{name}")


def _of_host(name: str) -> ColumnElement[bool]:
    return or_(host_clause(events.c.host_id, name), _of_subject("host", name))


_LISTING = Listing(
    source=events,
    id=events.c.id,
    sorts={"at": events.c.at, "kind": events.c.kind},
    search=Searchable(
        fields={
            "kind": Search(column=events.c.kind),
            "severity": Search(column=events.c.severity, choices=tuple(Severity)),
            "subject": Search(column=events.c.subject),
            "vm": Search(clause=partial(_of_subject, "vm")),
            "host": Search(clause=_of_host),
            "template": Search(clause=partial(_of_subject, "template")),
            "job": Search(column=events.c.job_id),
            "user": Search(column=events.c.user_name),
            "at": Search(column=events.c.at, kind=Kind.TIME),
        },
        text=(events.c.text, events.c.subject_name, events.c.kind),
    ),
)
