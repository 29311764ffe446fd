"""Hosts as the manager knows them: look up, list, add, change, forget."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError

from castalia.db import revisions
from castalia.db.filtering import Search, Searchable, tag_search
from castalia.db.paging import Listing, page_of
from castalia.db.tables import hosts, vms
from castalia.errors import Conflict, NotFound
from castalia.model.event import Change
from castalia.model.filters import Kind
from castalia.model.host import Host, HostFacts, HostLoad, HostState
from castalia.model.names import natural_key
from castalia.model.page import Page, PageRequest
from castalia.model.vm import VmState

_ACTIVE = tuple(state.value for state in VmState if state.active)
_OF_HOST = vms.c.host_id == hosts.c.id
_VM_COUNT = select(func.count()).select_from(vms).where(_OF_HOST).scalar_subquery()
_RUNNING_COUNT = (
    select(func.count())
    .select_from(vms)
    .where(_OF_HOST, vms.c.state.in_(_ACTIVE))
    .scalar_subquery()
)


class HostChanges(TypedDict, total=False):
    """What a user's edit of a host can change."""

    name: str
    uri: str
    description: str
    tags: tuple[str, ...]


def get(connection: Connection, id: str) -> Host:
    """The host with that id; raises NotFound."""
    row = connection.execute(_selection().where(hosts.c.id == id)).first()
    if row is None:
        raise missing(id)
    return _from_row(row)


def find(connection: Connection, ref: str) -> Host:
    """The host with that id or name; raises NotFound."""
    condition = or_(hosts.c.id == ref, hosts.c.name == ref)
    rows = connection.execute(_selection().where(condition)).all()
    if not rows:
        raise missing(ref)
    return _from_row(next((row for row in rows if row.id == ref), rows[0]))


def many(connection: Connection, ids: Sequence[str]) -> list[Host]:
    """The hosts with these ids, in any order; unknown ids are left out."""
    rows = connection.execute(_selection().where(hosts.c.id.in_(ids)))
    return [_from_row(row) for row in rows]


def every(connection: Connection) -> list[Host]:
    """All hosts, by name."""
    rows = connection.execute(_selection().order_by(hosts.c.name_key, hosts.c.id))
    return [_from_row(row) for row in rows]


def count_by_state(connection: Connection) -> dict[HostState, int]:
    """How many hosts are in each state that occurs."""
    rows = connection.execute(select(hosts.c.state, func.count()).group_by(hosts.c.state))
    return {HostState(state): count for state, count in rows}


def insert(connection: Connection, host: Host) -> Change:
    """Adds a host. Raises Conflict with code `host.name-taken` or `host.exists` (the same address
    is managed already)."""
    plain = (
        "id",
        "uri",
        "state_reason",
        "description",
        "tags",
        "created_at",
        "seen_at",
        "revision",
    )
    values: dict[str, Any] = {name: getattr(host, name) for name in plain}
    values |= {"name": host.name, "name_key": natural_key(host.name), "state": host.state.value}
    values |= _facts_values(host.facts) | _load_values(host.load)
    with _names_unique(connection, host.name, host.uri):
        connection.execute(sa.insert(hosts).values(values))
    return change_of(host, "created")


def update(
    connection: Connection,
    id: str,
    *,
    expected_revision: int | None = None,
    **changes: Unpack[HostChanges],
) -> Host:
    """Applies a user's edit and returns the host; its revision grows.

    Raises NotFound, Conflict (name or address taken), and EditConflict when `expected_revision` is
    past.
    """
    values: dict[str, Any] = dict(changes)
    if "name" in changes:
        values["name_key"] = natural_key(changes["name"])
    with _names_unique(connection, changes.get("name", ""), changes.get("uri", "")):
        revisions.change(
            connection,
            hosts,
            id,
            values,
            expected_revision=expected_revision,
            missing=missing(id),
        )
    return get(connection, id)


def delete(connection: Connection, id: str) -> Change | None:
    """Forgets a host with its VMs, repositories, volumes and networks; None if it is not there."""
    removed = connection.execute(sa.delete(hosts).where(hosts.c.id == id)).rowcount
    return Change(noun="host", id=id, verb="deleted") if removed else None


def set_state(
    connection: Connection,
    id: str,
    state: HostState,
    *,
    reason: str = "",
    seen_at: datetime | None = None,
) -> Change | None:
    """Notes whether the host can be reached. Returns the change if state or reason are new; a host
    that is gone is no error. The revision stays."""
    before = connection.execute(select(hosts.c.state, hosts.c.state_reason).where(hosts.c.id == id))
    row = before.first()
    if row is None:
        return None
    values: dict[str, Any] = {"state": state.value, "state_reason": reason}
    if seen_at is not None:
        values["seen_at"] = seen_at
    if state is not HostState.UP:
        values |= _load_values(None)
    connection.execute(sa.update(hosts).where(hosts.c.id == id).values(values))
    if (row.state, row.state_reason) == (state.value, reason):
        return None
    return change_of(get(connection, id), "updated")


def set_facts(connection: Connection, id: str, facts: HostFacts) -> Change | None:
    """Notes what the host says of itself. Returns the change if it is news; the revision stays."""
    before = connection.execute(select(hosts.c.facts).where(hosts.c.id == id)).first()
    if before is None or before.facts == facts:
        return None
    connection.execute(sa.update(hosts).where(hosts.c.id == id).values(_facts_values(facts)))
    return change_of(get(connection, id), "updated")


def set_loads(connection: Connection, loads: Mapping[str, HostLoad], *, seen_at: datetime) -> None:
    """Writes what hosts (by id) are doing now, in bulk. No revision grows."""
    if not loads:
        return
    assignments: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _LOAD}
    statement = (
        sa.update(hosts)
        .where(hosts.c.id == bindparam("key"))
        .values(assignments | {"seen_at": seen_at})
    )
    connection.execute(
        statement,
        [
            {f"new_{name}": getattr(load, name) for name in _LOAD} | {"key": id}
            for id, load in loads.items()
        ],
    )


def page(connection: Connection, request: PageRequest) -> Page[Host]:
    """A page of hosts. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def change_of(host: Host, verb: str) -> Change:
    """The change to publish about a host: the few fields that a list shows."""
    data = {"name": host.name, "state": host.state.value, "revision": host.revision}
    return Change(noun="host", id=host.id, verb=verb, data=data)


def missing(ref: str) -> NotFound:
    """The error for a host that is not there."""
    remedy = "Look at the list of hosts; it may have been removed or renamed."
    return NotFound(f"There is no host {ref!r}.", code="host.not-found", remedy=remedy)


_LOAD = ("cpu_fraction", "memory_used_mib", "memory_free_mib")
_DERIVED = ("name_key", "cpus", "memory_mib", *_LOAD)


def _selection() -> Select[Any]:
    counts = (_VM_COUNT.label("vm_count"), _RUNNING_COUNT.label("running_count"))
    return select(hosts, *counts)


def _from_row(row: Row[Any]) -> Host:
    fields = dict(row._mapping)
    known = all(fields[name] is not None for name in _LOAD)
    load = HostLoad(**{name: fields[name] for name in _LOAD}) if known else None
    for derived in _DERIVED:
        del fields[derived]
    return Host(**fields | {"state": HostState(row.state), "load": load})


def _facts_values(facts: HostFacts | None) -> dict[str, Any]:
    return {
        "facts": facts,
        "cpus": facts.cpus if facts else 0,
        "memory_mib": facts.memory_mib if facts else 0,
    }


def _load_values(load: HostLoad | None) -> dict[str, Any]:
    return {name: getattr(load, name, None) for name in _LOAD}


@contextmanager
def _names_unique(connection: Connection, name: str, uri: str) -> Iterator[None]:
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as error:
        detail = str(error.orig)
        if connection.scalar(select(hosts.c.id).where(hosts.c.name == name)) is not None:
            message = f"There is a host called {name!r} already."
            remedy = "Take another name."
            code = "host.name-taken"
            raise Conflict(message, code=code, field="name", remedy=remedy, detail=detail) from None
        message = f"A host with the address {uri!r} is managed already."
        remedy = "Look at the list of hosts."
        raise Conflict(
            message, code="host.exists", field="uri", remedy=remedy, detail=detail
        ) from None


_LISTING = Listing(
    source=hosts,
    id=hosts.c.id,
    sorts={
        "name": hosts.c.name_key,
        "state": hosts.c.state,
        "cpu": func.coalesce(hosts.c.cpu_fraction, -1.0),
        "memory": func.coalesce(hosts.c.memory_used_mib, -1),
        "vms": _VM_COUNT,
        "created": hosts.c.created_at,
        "created_at": hosts.c.created_at,
    },
    search=Searchable(
        fields={
            "name": Search(column=hosts.c.name),
            "state": Search(column=hosts.c.state, choices=tuple(HostState)),
            "tag": tag_search(hosts.c.tags),
            "cpu": Search(column=hosts.c.cpu_fraction, kind=Kind.PERCENT),
            "cpus": Search(column=hosts.c.cpus, kind=Kind.NUMBER),
            "mem": Search(column=hosts.c.memory_mib, kind=Kind.MIB),
            "free": Search(column=hosts.c.memory_free_mib, kind=Kind.MIB),
            "vms": Search(column=_VM_COUNT, kind=Kind.NUMBER),
            "uri": Search(column=hosts.c.uri),
            "created": Search(column=hosts.c.created_at, kind=Kind.TIME),
            "id": Search(column=hosts.c.id),
        },
        text=(hosts.c.name, hosts.c.description, hosts.c.tags, hosts.c.uri),
    ),
)
