"""VMs as the manager knows them: look up, list, add, change, delete."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError

from castalia.db import revisions, vm_rows
from castalia.db.tables import hosts, vm_nics, vm_tombstones, vms
from castalia.db.vm_rows import change_of, from_row, many, missing, selection
from castalia.errors import Conflict, NotFound
from castalia.model.capabilities import Mode
from castalia.model.clock import now
from castalia.model.event import Change
from castalia.model.vm import Address, Definition, Origin, Vm, VmState

__all__ = ["change_of", "many", "missing"]  # they live beside the rows, and belong to this store

_EDITABLE = {"name", "description", "tags", "definition", "autostart", "template", "size"}
_TOMBSTONES_KEPT = timedelta(days=1)


class VmChanges(TypedDict, total=False):
    """What `update` can change. A `definition` brings its name, description, vCPUs, memory and mode
    along; what is given beside it wins."""

    name: str
    description: str
    tags: tuple[str, ...]
    definition: Definition
    mode: Mode
    state: VmState
    state_reason: str
    origin: Origin
    template: str
    size: str
    autostart: bool
    agent_connected: bool
    addresses: tuple[Address, ...]
    host_id: str
    seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class VmLive:
    """What a VM takes just now."""

    id: str
    cpu_fraction: float | None
    memory_used_mib: int | None


def get(connection: Connection, id: str) -> Vm:
    """The VM with that id; raises NotFound."""
    row = connection.execute(selection().where(vms.c.id == id)).first()
    if row is None:
        raise missing(id)
    return from_row(row)


def find(connection: Connection, ref: str) -> Vm:
    """The VM that `ref` names: its id, its uuid or name if only one has it, or `host/name`.

    Raises NotFound, or Conflict with code `vm.ambiguous` listing the candidates.
    """
    host, slash, name = ref.rpartition("/")
    condition = or_(vms.c.id == ref, vms.c.name == ref, vms.c.uuid == ref)
    if slash:
        condition = (vms.c.name == name) & or_(hosts.c.name == host, hosts.c.id == host)
    found = [from_row(row) for row in connection.execute(selection().where(condition).limit(20))]
    exact = [vm for vm in found if vm.id == ref]
    if len(exact or found) > 1:
        raise _ambiguous(ref, found)
    if not found:
        raise missing(ref)
    return (exact or found)[0]


def on_host(connection: Connection, host_id: str) -> list[Vm]:
    """All VMs of a host, by name."""
    rows = connection.execute(
        selection().where(vms.c.host_id == host_id).order_by(vms.c.name_key, vms.c.id)
    )
    return [from_row(row) for row in rows]


def by_uuid(connection: Connection, host_id: str, uuid: str) -> Vm | None:
    """The VM that a host calls so, if it is known."""
    condition = (vms.c.host_id == host_id) & (vms.c.uuid == uuid)
    row = connection.execute(selection().where(condition)).first()
    return None if row is None else from_row(row)


def by_uuids(connection: Connection, host_id: str, uuids: Collection[str]) -> list[Vm]:
    """Those of a host's VMs that it calls so."""
    condition = (vms.c.host_id == host_id) & vms.c.uuid.in_(uuids)
    return [from_row(row) for row in connection.execute(selection().where(condition)).all()]


def addressed(connection: Connection, host_id: str, uuids: Collection[str]) -> set[str]:
    """The uuids of those of them whose address is known."""
    condition = (vms.c.host_id == host_id) & vms.c.uuid.in_(uuids) & (vms.c.address != "")
    return set(connection.scalars(select(vms.c.uuid).where(condition)).all())


def ids_by_uuid(connection: Connection, host_id: str) -> dict[str, str]:
    """The ids of a host's VMs by their uuids."""
    rows = connection.execute(select(vms.c.uuid, vms.c.id).where(vms.c.host_id == host_id))
    return {uuid: id for uuid, id in rows.all()}


def ids_by_mac(connection: Connection, host_id: str) -> dict[str, str]:
    """The ids of a host's VMs by the MAC addresses (lower case) of their NICs."""
    joined = vm_nics.join(vms, vm_nics.c.vm_id == vms.c.id)
    query = select(vm_nics.c.mac, vms.c.id).select_from(joined).where(vms.c.host_id == host_id)
    return {row.mac: row.id for row in connection.execute(query)}


def macs_in_use(connection: Connection, macs: Iterable[str]) -> set[str]:
    """Those of the MAC addresses that a known VM on any host has."""
    wanted = [mac.lower() for mac in macs]
    return set(connection.scalars(select(vm_nics.c.mac).where(vm_nics.c.mac.in_(wanted))))


def named_on_host(connection: Connection, *, host_id: str, name: str) -> Vm | None:
    """The VM of that name on a host, if there is one."""
    condition = (vms.c.host_id == host_id) & (vms.c.name == name)
    row = connection.execute(selection().where(condition)).first()
    return None if row is None else from_row(row)


def taken_names(connection: Connection, host_id: str, names: Iterable[str]) -> set[str]:
    """Those of the names that a VM on the host has already."""
    condition = (vms.c.host_id == host_id) & vms.c.name.in_(list(names))
    return set(connection.scalars(select(vms.c.name).where(condition)))


def count_by_state(connection: Connection) -> dict[VmState, int]:
    """How many VMs are in each state that occurs."""
    rows = connection.execute(select(vms.c.state, func.count()).group_by(vms.c.state))
    return {VmState(state): count for state, count in rows}


def insert(connection: Connection, vm: Vm) -> Change:
    """Adds a VM.

    Raises Conflict with code `vm.name-taken` when the host has one of that name, or
    `vm.exists` when the id or uuid is there already.
    """
    if taken_names(connection, vm.host_id, [vm.name]):
        message = f"There is a VM called {vm.name!r} on this host already."
        raise Conflict(message, code="vm.name-taken", field="name", remedy="Take another name.")
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(vms).values(vm_rows.to_values(vm)))
    except IntegrityError as error:
        raise _not_insertable(vm, error) from error
    vm_rows.index_devices(connection, {vm.id: vm.definition})
    return change_of(vm, "created")


def update(
    connection: Connection,
    id: str,
    *,
    expected_revision: int | None = None,
    **changes: Unpack[VmChanges],
) -> Vm:
    """Changes a VM and returns it. The revision grows if an edit could collide with the change.

    Raises NotFound, and EditConflict when `expected_revision` is past.
    """
    values = _values(changes)
    if _EDITABLE & changes.keys() or expected_revision is not None:
        revisions.change(
            connection,
            vms,
            id,
            values,
            expected_revision=expected_revision,
            missing=missing(id),
        )
    elif values:
        connection.execute(sa.update(vms).where(vms.c.id == id).values(values))
    if "definition" in changes:
        vm_rows.index_devices(connection, {id: changes["definition"]})
    return get(connection, id)


def delete(connection: Connection, id: str) -> Change | None:
    """Forgets a VM for good: an older view of its host does not bring it back. None if it is not
    there."""
    row = connection.execute(select(vms.c.host_id, vms.c.uuid).where(vms.c.id == id)).first()
    if row is None:
        return None
    deleted_at = now()
    connection.execute(sa.delete(vms).where(vms.c.id == id))
    key = (vm_tombstones.c.host_id == row.host_id) & (vm_tombstones.c.uuid == row.uuid)
    stale = vm_tombstones.c.deleted_at < deleted_at - _TOMBSTONES_KEPT
    connection.execute(sa.delete(vm_tombstones).where(key | stale))
    values = {"host_id": row.host_id, "uuid": row.uuid, "deleted_at": deleted_at}
    connection.execute(sa.insert(vm_tombstones).values(values))
    return Change(noun="vm", id=id, verb="deleted", data={"host_id": row.host_id})


def mark_unknown(connection: Connection, host_id: str, *, reason: str) -> list[Change]:
    """Says of a host's VMs that nobody knows their state now; those being created stay so. No
    revision grows."""
    kept = (VmState.CREATING.value, VmState.UNKNOWN.value)
    condition = (vms.c.host_id == host_id) & vms.c.state.not_in(kept)
    before = [from_row(row) for row in connection.execute(selection().where(condition))]
    values: dict[str, Any] = {"state": VmState.UNKNOWN.value, "state_reason": reason}
    live: dict[str, Any] = {"cpu_fraction": None, "memory_used_mib": None}
    connection.execute(sa.update(vms).where(condition).values(values | live))
    return [change_of(replace(vm, state=VmState.UNKNOWN), "updated") for vm in before]


def set_live(connection: Connection, rows: Iterable[VmLive]) -> None:
    """Writes what VMs take just now, in bulk. No revision grows."""
    values = [
        {"key": row.id, "cpu": row.cpu_fraction, "memory": row.memory_used_mib} for row in rows
    ]
    if values:
        statement = (
            sa.update(vms)
            .where(vms.c.id == bindparam("key"))
            .values(cpu_fraction=bindparam("cpu"), memory_used_mib=bindparam("memory"))
        )
        connection.execute(statement, values)


def set_addresses(
    connection: Connection, addresses: Mapping[str, tuple[Address, ...]]
) -> list[Change]:
    """Writes the addresses of VMs (by id) that differ from the stored ones. No revision grows."""
    changed = [
        (vm, addresses[vm.id])
        for vm in many(connection, list(addresses))
        if vm.addresses != addresses[vm.id]
    ]
    changes = []
    for vm, fresh in changed:
        values = vm_rows.address_values(fresh)
        connection.execute(sa.update(vms).where(vms.c.id == vm.id).values(values))
        changes.append(change_of(replace(vm, addresses=fresh), "updated"))
    return changes


def _values(changes: VmChanges) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "definition" in changes:
        values |= vm_rows.definition_values(changes["definition"])
    if "addresses" in changes:
        values |= vm_rows.address_values(changes["addresses"])
    if "name" in changes:
        values |= vm_rows.name_values(changes["name"])
    composed = {"definition", "addresses", "name"}
    return values | {k: v for k, v in changes.items() if k not in composed}


def _ambiguous(ref: str, found: list[Vm]) -> Conflict:
    candidates = ", ".join(sorted(f"{vm.host_name}/{vm.name}" for vm in found))
    message = f"More than one VM is called {ref!r}: {candidates}."
    return Conflict(message, code="vm.ambiguous", remedy="Write host/name, or the id.")


def _not_insertable(vm: Vm, error: IntegrityError) -> NotFound | Conflict:
    detail = str(error.orig)
    if "foreign key" in detail.lower():
        remedy = "Look at the list of hosts."
        return NotFound("The VM's host is not there any more.", remedy=remedy, detail=detail)
    message = f"The VM {vm.name!r} is there already."
    remedy = "Take it as it is, or delete it first."
    return Conflict(message, code="vm.exists", remedy=remedy, detail=detail)
