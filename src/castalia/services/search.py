"""One search over everything, for the palette."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from castalia.db import hosts as host_store
from castalia.db import networks as network_store
from castalia.db import storage as storage_store
from castalia.db import templates as template_store
from castalia.db import vm_list
from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.model.access import Principal, Role
from castalia.model.overview import Hit
from castalia.model.page import PageRequest


@dataclass(frozen=True, kw_only=True)
class SearchService:
    """Finds objects by what people remember of them."""

    database: Database

    def find(self, text: str, *, limit: int = 20, principal: Principal) -> list[Hit]:
        """At most `limit` hits, VMs first; nothing for a text that cannot be searched for."""
        principal.require(Role.VIEWER)
        if not text.strip():
            return []
        page = PageRequest(limit=min(limit, 50), filter=text)
        with self.database.read() as connection:
            return list(_hits(connection, page))[:limit]


def _hits(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    sources = (_vms, _hosts, _templates, _networks, _repositories)
    for source in sources:
        try:
            yield from source(connection, page)
        except InvalidRequest:
            continue  # a field that this noun does not have cannot match it


def _vms(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    for vm in vm_list.page(connection, page).items:
        yield Hit(noun="vm", id=vm.id, name=vm.name, detail=f"{vm.state} on {vm.host_name}")


def _hosts(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    for host in host_store.page(connection, page).items:
        yield Hit(noun="host", id=host.id, name=host.name, detail=host.state)


def _templates(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    for template in template_store.page(connection, page).items:
        yield Hit(noun="template", id=template.id, name=template.name, detail=template.os)


def _networks(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    for network in network_store.page(connection, page).items:
        facts = network.facts
        yield Hit(noun="network", id=network.id, name=facts.name, detail=facts.kind)


def _repositories(connection: Connection, page: PageRequest) -> Iterator[Hit]:
    for one in storage_store.page(connection, page).items:
        yield Hit(noun="repository", id=one.id, name=one.name, detail=one.path)
