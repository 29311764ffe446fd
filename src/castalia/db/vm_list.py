"""The list of VMs: what it is sorted by, and what its search knows."""

from functools import partial

from sqlalchemy import ColumnElement, Connection, func, or_, select

from castalia.db.filtering import Search, Searchable, matches, tag_search
from castalia.db.paging import Listing, page_of
from castalia.db.tables import hosts, vm_nics, vms
from castalia.db.vm_rows import many
from castalia.model.capabilities import Mode
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest
from castalia.model.vm import Origin, Vm, VmState


def host_clause(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether a column of host ids holds the host of that name (with `*`) or id."""
    named = or_(matches(hosts.c.name, name), hosts.c.id == name)
    return column.in_(select(hosts.c.id).where(named))


def _network(name: str) -> ColumnElement[bool]:
    return vms.c.id.in_(select(vm_nics.c.vm_id).where(matches(vm_nics.c.network, name)))


def _mac(mac: str) -> ColumnElement[bool]:
    return vms.c.id.in_(select(vm_nics.c.vm_id).where(matches(vm_nics.c.mac, mac.lower())))


_FIELDS = {
    "name": Search(column=vms.c.name),
    "state": Search(column=vms.c.state, choices=tuple(VmState)),
    "host": Search(clause=partial(host_clause, vms.c.host_id)),
    "tag": tag_search(vms.c.tags),
    "template": Search(column=vms.c.template),
    "size": Search(column=vms.c.size),
    "origin": Search(column=vms.c.origin, choices=tuple(Origin)),
    "mode": Search(column=vms.c.mode, choices=tuple(Mode)),
    "cpu": Search(column=vms.c.cpu_fraction, kind=Kind.PERCENT),
    "used": Search(column=vms.c.memory_used_mib, kind=Kind.MIB),
    "mem": Search(column=vms.c.memory_mib, kind=Kind.MIB),
    "vcpus": Search(column=vms.c.vcpus, kind=Kind.NUMBER),
    "ip": Search(column=vms.c.address),
    "mac": Search(clause=_mac),
    "network": Search(clause=_network),
    "agent": Search(column=vms.c.agent_connected, kind=Kind.FLAG),
    "autostart": Search(column=vms.c.autostart, kind=Kind.FLAG),
    "created": Search(column=vms.c.created_at, kind=Kind.TIME),
    "description": Search(column=vms.c.description),
    "id": Search(column=vms.c.id),
    "uuid": Search(column=vms.c.uuid),
}

_LISTING = Listing(
    source=vms,
    id=vms.c.id,
    sorts={
        "name": vms.c.name_key,
        "state": vms.c.state,
        "host": select(hosts.c.name_key).where(hosts.c.id == vms.c.host_id).scalar_subquery(),
        "cpu": func.coalesce(vms.c.cpu_fraction, -1.0),
        "used": func.coalesce(vms.c.memory_used_mib, -1),
        "memory": vms.c.memory_mib,
        "vcpus": vms.c.vcpus,
        "address": vms.c.address_key,
        "template": vms.c.template,
        "size": vms.c.size,
        "created": vms.c.created_at,
        "created_at": vms.c.created_at,
    },
    search=Searchable(
        fields=_FIELDS,
        text=(vms.c.name, vms.c.description, vms.c.tags, vms.c.address, vms.c.template),
    ),
)


def page(connection: Connection, request: PageRequest) -> Page[Vm]:
    """A page of VMs. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)
