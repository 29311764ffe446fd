"""A database with two hosts, and makers of what hosts report."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.postgresql import opened

from castalia.db import hosts
from castalia.db.database import Database
from castalia.model.host import Host, HostState
from castalia.model.vm import Definition, Disk, Nic, Ownership, VmFacts, VmState

START = datetime(2026, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """So many seconds after the tests' beginning of time."""
    return START + timedelta(seconds=seconds)


def host(name: str) -> Host:
    """A host that can be reached."""
    uri = f"qemu+ssh://{name}/system"
    return Host(id=f"id-{name}", name=name, uri=uri, state=HostState.UP, created_at=START)


def make_facts(
    name: str,
    *,
    uuid: str = "",
    state: VmState = VmState.RUNNING,
    ownership: Ownership | None = None,
    vcpus: int = 1,
    source: str = "",
) -> VmFacts:
    """What a host reports of a VM."""
    definition = Definition(
        uuid=uuid or f"uuid-{name}",
        name=name,
        vcpus=vcpus,
        memory_mib=512,
        disks=(Disk(target="vda", source=source or f"/pool/{name}.qcow2"),),
        nics=(Nic(mac=f"52:54:00:{zlib.crc32(name.encode()) % 100:02}:00:01", network="default"),),
    )
    return VmFacts(definition=definition, state=state, ownership=ownership)


def add_two_hosts(database: Database) -> Database:
    """Adds h1 and h2."""
    with database.write() as connection:
        hosts.insert(connection, host("h1"))
        hosts.insert(connection, host("h2"))
    return database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database that a module's tests only read, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'castalia.db'}"
    else:
        url = request.getfixturevalue("postgresql_server").url()
    database = opened(url)
    yield database
    database.close()


@pytest.fixture
def two_hosts(database: Database) -> Database:
    """The database with the hosts h1 and h2."""
    return add_two_hosts(database)
