"""A database with two hosts, and makers of what hosts report."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from castalia.db import hosts
from castalia.db.database import Database
from castalia.model.host import Host, HostState
from castalia.model.vm import Definition, Disk, Nic, Ownership, VmFacts, VmState
from tests.postgresql import (  # noqa: F401 -- fixtures, found by name
    database,
    database_url,
    postgresql_server,
    postgresql_url,
    sqlite_database,
    sqlite_url,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """So many seconds after the tests' beginning of time."""
    return START + timedelta(seconds=seconds)


def host(name: str) -> Host:
    """A host that can be reached."""
    uri = f"qemu+ssh://{name}/system"
    return Host(id=f"id-{name}", name=name, uri=uri, state=HostState.UP, created_at=START)


MakeFacts = Callable[..., VmFacts]


@pytest.fixture
def facts() -> MakeFacts:
    """Makes what a host reports of a VM: `facts("web1", uuid="u1", state=...)`."""

    def make(
        name: str,
        *,
        uuid: str = "",
        state: VmState = VmState.RUNNING,
        ownership: Ownership | None = None,
        port: int = -1,
        vcpus: int = 1,
        source: str = "",
    ) -> VmFacts:
        definition = Definition(
            uuid=uuid or f"uuid-{name}",
            name=name,
            vcpus=vcpus,
            memory_mib=512,
            disks=(Disk(target="vda", source=source or f"/pool/{name}.qcow2"),),
            nics=(Nic(mac=f"52:54:00:{abs(hash(name)) % 100:02}:00:01", network="default"),),
        )
        return VmFacts(definition=definition, state=state, ownership=ownership)

    return make


@pytest.fixture
def two_hosts(database: Database) -> Database:  # noqa: F811 -- the fixture above
    """The database with the hosts h1 and h2."""
    with database.write() as connection:
        hosts.insert(connection, host("h1"))
        hosts.insert(connection, host("h2"))
    return database
