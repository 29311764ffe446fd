"""Networks as the manager knows them."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Select, func, or_, select

from castalia.db import references
from castalia.db.filtering import Search, Searchable
from castalia.db.paging import Listing, page_of
from castalia.db.tables import hosts, networks, vm_nics, vms
from castalia.db.vm_list import host_clause
from castalia.model.event import Change
from castalia.model.filters import Kind
from castalia.model.ids import new_id
from castalia.model.network import Network, NetworkFacts, NetworkKind
from castalia.model.page import Page, PageRequest

_NIC_COUNT = (
    select(func.count())
    .select_from(vm_nics.join(vms, vm_nics.c.vm_id == vms.c.id))
    .where(vms.c.host_id == networks.c.host_id, vm_nics.c.network == networks.c.name)
    .scalar_subquery()
)


def find(connection: Connection, ref: str) -> Network:
    """The network with that id, unique name, or `host/name`. Raises NotFound or Conflict
    (`network.ambiguous`)."""
    if by_id := many(connection, [ref]):
        return by_id[0]
    host, name = references.split(ref)
    query = _selection().where(networks.c.name == name)
    if host:
        query = query.where(or_(hosts.c.name == host, hosts.c.id == host))
    found = [_from_row(row) for row in connection.execute(query)]
    named = [(f"{one.host_name}/{one.facts.name}", one) for one in found]
    return references.only(named, noun="network", ref=ref)


def many(connection: Connection, ids: Sequence[str]) -> list[Network]:
    """The networks with these ids, in any order; unknown ids are left out."""
    return [_from_row(r) for r in connection.execute(_selection().where(networks.c.id.in_(ids)))]


def every(connection: Connection) -> list[Network]:
    """All networks, by name."""
    rows = connection.execute(_selection().order_by(networks.c.name, networks.c.id))
    return [_from_row(row) for row in rows]


def of_host(connection: Connection, host_id: str) -> list[Network]:
    """The networks of a host, by name."""
    query = _selection().where(networks.c.host_id == host_id).order_by(networks.c.name)
    return [_from_row(row) for row in connection.execute(query)]


def page(connection: Connection, request: PageRequest) -> Page[Network]:
    """A page of networks. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def count(connection: Connection) -> int:
    """How many networks there are."""
    return connection.scalar(select(func.count()).select_from(networks)) or 0


def sync(connection: Connection, host_id: str, facts: Sequence[NetworkFacts]) -> list[Change]:
    """Makes the stored networks of a host what `facts` say, and returns what changed."""
    stored = {network.facts.name: network for network in of_host(connection, host_id)}
    reported = {one.name: one for one in facts}
    changes = [_remove(connection, stored[name]) for name in stored.keys() - reported.keys()]
    for name, fresh in reported.items():
        known = stored.get(name)
        if known is None:
            changes.append(_insert(connection, host_id, fresh))
        elif known.facts != fresh:
            changes.append(_update(connection, known, fresh))
    return changes


def _insert(connection: Connection, host_id: str, facts: NetworkFacts) -> Change:
    id = new_id()
    values = _values(facts) | {"id": id, "host_id": host_id, "revision": 1}
    connection.execute(sa.insert(networks).values(values))
    return _change(id, host_id, facts, "created")


def _update(connection: Connection, known: Network, facts: NetworkFacts) -> Change:
    values = _values(facts) | {"revision": known.revision + 1}
    connection.execute(sa.update(networks).where(networks.c.id == known.id).values(values))
    return _change(known.id, known.host_id, facts, "updated")


def _remove(connection: Connection, known: Network) -> Change:
    connection.execute(sa.delete(networks).where(networks.c.id == known.id))
    return _change(known.id, known.host_id, known.facts, "deleted")


def _change(id: str, host_id: str, facts: NetworkFacts, verb: str) -> Change:
    data = {"name": facts.name, "host_id": host_id, "active": facts.active}
    return Change(noun="network", id=id, verb=verb, data=data)


def _values(facts: NetworkFacts) -> dict[str, Any]:
    return asdict(facts) | {"kind": facts.kind.value}


def _selection() -> Select[Any]:
    joined = networks.join(hosts, networks.c.host_id == hosts.c.id)
    extra = (hosts.c.name.label("host_name"), _NIC_COUNT.label("nic_count"))
    return select(networks, *extra).select_from(joined)


def _from_row(row: Row[Any]) -> Network:
    fields = dict(row._mapping)
    own = {name: fields.pop(name) for name in ("id", "host_id", "host_name", "nic_count")}
    revision = fields.pop("revision")
    facts = NetworkFacts(**fields | {"kind": NetworkKind(row.kind)})
    return Network(**own, facts=facts, revision=revision)


_LISTING = Listing(
    source=networks,
    id=networks.c.id,
    sorts={
        "name": networks.c.name,
        "kind": networks.c.kind,
        "cidr": networks.c.cidr,
        "host": select(hosts.c.name_key).where(hosts.c.id == networks.c.host_id).scalar_subquery(),
        "nics": _NIC_COUNT,
    },
    search=Searchable(
        fields={
            "name": Search(column=networks.c.name),
            "kind": Search(column=networks.c.kind, choices=tuple(NetworkKind)),
            "host": Search(clause=partial(host_clause, networks.c.host_id)),
            "bridge": Search(column=networks.c.bridge),
            "cidr": Search(column=networks.c.cidr),
            "active": Search(column=networks.c.active, kind=Kind.FLAG),
            "nics": Search(column=_NIC_COUNT, kind=Kind.NUMBER),
            "id": Search(column=networks.c.id),
        },
        text=(networks.c.name, networks.c.bridge, networks.c.cidr),
    ),
)
