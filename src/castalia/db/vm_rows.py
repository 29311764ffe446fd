"""VMs as rows: both ways between the table and the model."""

import ipaddress
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select

from castalia.db.tables import hosts, vm_disks, vm_nics, vms
from castalia.errors import NotFound
from castalia.model.capabilities import Mode
from castalia.model.event import Change
from castalia.model.names import natural_key
from castalia.model.vm import Address, Definition, Origin, Vm, VmState, first_address

JOINED = vms.join(hosts, vms.c.host_id == hosts.c.id)


def selection() -> Select[Any]:
    """VMs with their hosts' names."""
    return select(vms, hosts.c.name.label("host_name")).select_from(JOINED)


def from_row(row: Row[Any]) -> Vm:
    """The model object of a row of `selection`."""
    fields = dict(row._mapping)
    for derived in ("name_key", "vcpus", "memory_mib", "address", "address_key"):
        del fields[derived]
    return Vm(
        **fields
        | {
            "state": VmState(row.state),
            "origin": Origin(row.origin),
            "mode": Mode(row.mode),
        }
    )


def many(connection: Connection, ids: Sequence[str]) -> list[Vm]:
    """The VMs with these ids, in any order; unknown ids are left out."""
    rows = connection.execute(selection().where(vms.c.id.in_(ids)))
    return [from_row(row) for row in rows]


def to_values(vm: Vm) -> dict[str, Any]:
    """All columns of a new row."""
    plain = (
        "id uuid host_id state_reason template size tags autostart agent_connected cpu_fraction "
        "memory_used_mib created_at seen_at revision"
    )
    return (
        {name: getattr(vm, name) for name in plain.split()}
        | {"state": vm.state.value, "origin": vm.origin.value}
        | definition_values(vm.definition)
        | {"mode": vm.mode.value, "description": vm.description}
        | name_values(vm.name)
        | address_values(vm.addresses)
    )


def name_values(name: str) -> dict[str, Any]:
    """The columns that follow from the name."""
    return {"name": name, "name_key": natural_key(name)}


def definition_values(definition: Definition) -> dict[str, Any]:
    """The columns that follow from a definition."""
    return name_values(definition.name) | {
        "definition": definition,
        "description": definition.description,
        "vcpus": definition.vcpus,
        "memory_mib": definition.memory_mib,
        "mode": definition.mode.value,
    }


def address_values(addresses: Sequence[Address]) -> dict[str, Any]:
    """The columns that follow from the addresses; the key sorts them by value, IPv4 first."""
    shown = first_address(addresses)
    return {
        "addresses": tuple(addresses),
        "address": shown,
        "address_key": _address_key(shown),
    }


def _address_key(ip: str) -> str:
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ip and f"9{ip}"
    return f"{address.version}{int(address):039d}"


def index_devices(connection: Connection, definitions: Mapping[str, Definition]) -> None:
    """Notes which files and networks these VMs use; the keys are ids."""
    if not definitions:
        return
    for table in (vm_disks, vm_nics):
        connection.execute(delete(table).where(table.c.vm_id.in_(list(definitions))))
    disks = [
        {"vm_id": id, "target": disk.target, "source": posixpath.normpath(disk.source)}
        for id, definition in definitions.items()
        for disk in definition.disks
        if disk.source
    ]
    nics = [
        {"vm_id": id, "position": position, "mac": nic.mac.lower(), "network": nic.network}
        for id, definition in definitions.items()
        for position, nic in enumerate(definition.nics)
    ]
    if disks:
        connection.execute(insert(vm_disks), disks)
    if nics:
        connection.execute(insert(vm_nics), nics)


def change_of(vm: Vm, verb: str) -> Change:
    """The change to publish about a VM: the few fields that a list shows."""
    data = {
        "name": vm.name,
        "state": vm.state.value,
        "host_id": vm.host_id,
        "address": vm.address,
        "revision": vm.revision,
    }
    return Change(noun="vm", id=vm.id, verb=verb, data=data)


def missing(ref: str) -> NotFound:
    """The error for a VM that is not there."""
    remedy = "Look at the list of VMs; it may have been deleted or renamed."
    return NotFound(f"There is no VM {ref!r}.", code="vm.not-found", remedy=remedy)
