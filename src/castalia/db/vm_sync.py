"""Brings the stored VMs of a host in line with what the host reports, writing only differences."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from castalia.db import vm_rows
from castalia.db.tables import vm_tombstones
from castalia.db.tables import vms as table
from castalia.db.vm_rows import change_of
from castalia.model.clock import now
from castalia.model.event import Change
from castalia.model.ids import new_id
from castalia.model.vm import Definition, Origin, Ownership, Vm, VmFacts, VmState

_REPORTED = (
    *("definition", "name", "name_key", "description", "vcpus", "memory_mib", "mode", "state"),
    *("state_reason", "autostart", "agent_connected", "tags", "template", "size", "addresses"),
    *("address", "address_key", "cpu_fraction", "memory_used_mib", "seen_at", "revision"),
)
"""The columns that a host's report can change."""


@dataclass(kw_only=True)
class _Outcome:
    created: list[Vm] = field(default_factory=list)
    updated: list[tuple[Vm, Vm]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def sync(
    connection: Connection,
    host_id: str,
    facts: Sequence[VmFacts],
    *,
    taken_at: datetime,
    complete: bool = True,
) -> list[Change]:
    """Makes the host's stored VMs what `facts` say, and returns what changed.

    `taken_at` is when the report was begun: whatever was learned, created or deleted after that is
    left alone, so a slow report never overwrites newer knowledge. VMs that nobody knew are taken in
    (`found`, unless they carry our note); with `complete`, those not reported are forgotten. VMs
    that are being created belong to their job and are not touched until it calls `settle`.
    """
    uuids = {_uuid(one) for one in facts}
    stored = _stored(connection, host_id, None if complete else uuids)
    outcome = _compared(connection, host_id, facts, stored, taken_at)
    if complete:
        vanished = [vm for vm in stored.values() if vm.uuid not in uuids]
        outcome.gone = [vm.id for vm in vanished if _may_vanish(vm, taken_at)]
        return _write(connection, outcome, host_id)
    outcome.seen = [vm.id for vm in stored.values()]
    return _write(connection, outcome, host_id, seen_at=taken_at)


def settle(connection: Connection, id: str, facts: VmFacts) -> Vm:
    """Ends a VM's being created: it is from now on what `facts` say. Raises NotFound."""
    row = connection.execute(vm_rows.selection().where(table.c.id == id)).first()
    if row is None:
        raise vm_rows.missing(id)
    before = vm_rows.from_row(row)
    after = replace(_merged(before, facts), seen_at=now())
    _update(connection, [(before, after)])
    return after


def _uuid(facts: VmFacts) -> str:
    return facts.definition.uuid


def _stored(connection: Connection, host_id: str, uuids: Collection[str] | None) -> dict[str, Vm]:
    query = vm_rows.selection().where(table.c.host_id == host_id)
    if uuids is not None:
        query = query.where(table.c.uuid.in_(uuids))
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    return {row.uuid: vm_rows.from_row(row) for row in rows}


def _buried(connection: Connection, host_id: str, taken_at: datetime) -> set[str]:
    condition = (vm_tombstones.c.host_id == host_id) & (vm_tombstones.c.deleted_at >= taken_at)
    return set(connection.scalars(select(vm_tombstones.c.uuid).where(condition)))


def _compared(
    connection: Connection,
    host_id: str,
    facts: Sequence[VmFacts],
    stored: Mapping[str, Vm],
    taken_at: datetime,
) -> _Outcome:
    outcome, buried = _Outcome(), _buried(connection, host_id, taken_at)
    for one in facts:
        if _uuid(one) not in buried:
            _compare(one, stored.get(_uuid(one)), host_id, taken_at, outcome)
    return outcome


def _compare(
    facts: VmFacts, before: Vm | None, host_id: str, taken_at: datetime, outcome: _Outcome
) -> None:
    if before is None:
        outcome.created.append(_taken_in(facts, host_id, taken_at))
    elif before.state is not VmState.CREATING and not _newer(before, taken_at):
        after = _merged(before, facts)
        if after != before:
            outcome.updated.append((before, replace(after, seen_at=taken_at)))


def _newer(vm: Vm, taken_at: datetime) -> bool:
    return vm.seen_at is not None and vm.seen_at > taken_at


def _may_vanish(vm: Vm, taken_at: datetime) -> bool:
    just_made = vm.created_at > taken_at or _newer(vm, taken_at)
    return vm.state is not VmState.CREATING and not just_made


def _taken_in(facts: VmFacts, host_id: str, taken_at: datetime) -> Vm:
    note = facts.ownership
    created_at = _moment(note.created_at if note else "") or taken_at
    blank = Vm(
        id=_uuid(facts),
        uuid=_uuid(facts),
        host_id=host_id,
        name=facts.definition.name,
        state=facts.state,
        origin=_origin(note),
        definition=facts.definition,
        created_at=min(created_at, taken_at),
        seen_at=taken_at,
    )
    return replace(_merged(blank, facts), revision=1)


def _origin(note: Ownership | None) -> Origin:
    """A found VM that somebody has tagged carries a note too, but one that tells of no making."""
    made = note is not None and bool(note.created_at or note.template)
    return Origin.CREATED if made else Origin.FOUND


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _merged(vm: Vm, facts: VmFacts) -> Vm:
    note = facts.ownership
    said: dict[str, Any] = {
        "definition": facts.definition,
        "name": facts.definition.name,
        "description": (facts.next_definition or facts.definition).description,
        "mode": facts.definition.mode,
        "state": facts.state,
        "state_reason": facts.state_reason,
        "autostart": facts.autostart,
        "agent_connected": facts.agent_connected and facts.state.active,
    }
    if note is not None:
        said |= {"tags": note.tags, "template": note.template, "size": note.size}
    if not facts.state.active:
        said |= {"addresses": (), "cpu_fraction": None, "memory_used_mib": None}
    if all(getattr(vm, name) == value for name, value in said.items()):
        return vm
    after = replace(vm, **said)
    return replace(after, revision=vm.revision + (_editable(after) != _editable(vm)))


def _editable(vm: Vm) -> tuple[object, ...]:
    """What a user's edit could collide with: not ports and interfaces, which come with a start."""
    return (_lasting(vm.definition), vm.tags, vm.template, vm.size, vm.autostart)


def _lasting(definition: Definition) -> Definition:
    nics = tuple(replace(nic, target="") for nic in definition.nics)
    graphics = tuple(replace(one, port=-1) for one in definition.graphics)
    return replace(definition, nics=nics, graphics=graphics)


def _write(
    connection: Connection, outcome: _Outcome, host_id: str, *, seen_at: datetime | None = None
) -> list[Change]:
    created = _insert(connection, outcome.created)
    _update(connection, outcome.updated)
    if outcome.seen:
        seen = update(table).where(table.c.id.in_(outcome.seen), _older(seen_at))
        connection.execute(seen.values(seen_at=seen_at))
    if outcome.gone:
        connection.execute(delete(table).where(table.c.id.in_(outcome.gone)))
    return (
        [change_of(vm, "created") for vm in created]
        + [change_of(after, "updated") for _, after in outcome.updated]
        + [
            Change(noun="vm", id=id, verb="deleted", data={"host_id": host_id})
            for id in outcome.gone
        ]
    )


def _older(moment: datetime | None) -> ColumnElement[bool]:
    return or_(table.c.seen_at.is_(None), table.c.seen_at < moment)


def _insert(connection: Connection, created: list[Vm]) -> list[Vm]:
    """Adds the VMs; one whose uuid another host has too gets an id of its own."""
    if not created:
        return []
    ids = [vm.id for vm in created]
    taken = set(connection.scalars(select(table.c.id).where(table.c.id.in_(ids))))
    fresh = [replace(vm, id=new_id()) if vm.id in taken else vm for vm in created]
    connection.execute(insert(table), [vm_rows.to_values(vm) for vm in fresh])
    vm_rows.index_devices(connection, {vm.id: vm.definition for vm in fresh})
    return fresh


def _update(connection: Connection, updated: Sequence[tuple[Vm, Vm]]) -> None:
    if not updated:
        return
    assignments: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _REPORTED}
    statement = update(table).where(table.c.id == bindparam("key")).values(assignments)
    connection.execute(statement, [_parameters(after) for _, after in updated])
    moved = {a.id: a.definition for b, a in updated if a.definition != b.definition}
    vm_rows.index_devices(connection, moved)


def _parameters(vm: Vm) -> dict[str, Any]:
    values = vm_rows.to_values(vm)
    return {f"new_{name}": values[name] for name in _REPORTED} | {"key": vm.id}
