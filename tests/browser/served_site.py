"""A whole manager over hosts in memory, served on a free loopback port.

It is the real one: services, database, job engine, HTTP, WebSockets and event stream.
"""

import hashlib
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from castalia.api.server import make_server
from castalia.bootstrap import Manager, build, make_app
from castalia.db import templates
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.model.access import SYSTEM, Role
from castalia.model.host import HostChange
from castalia.model.ids import new_uuid
from castalia.model.job import Job, JobState
from castalia.model.template import Template
from castalia.model.vm import VmCreation, VmSpec
from castalia.services.host_link import Drivers
from castalia.services.templates import library_path
from castalia.settings import MetricSettings, ServerSettings, Settings
from castalia.storage.driver_memory import MemoryStorage
from castalia.web.assets import STATIC

PASSWORD = "correct horse battery staple"
WAIT_S = 20.0
_DISK_BYTES = 64 * 1024**2


@dataclass
class Hosts:
    """Hosts in memory by URI; one that is asked for again is the same one."""

    drivers: dict[str, Drivers] = field(default_factory=dict)

    def open(self, uri: str) -> Drivers:
        if uri not in self.drivers:
            self.drivers[uri] = Drivers(hypervisor=MemoryDriver(), storage=MemoryStorage())
        return self.drivers[uri]

    def memory(self, uri: str) -> MemoryDriver:
        driver = self.open(uri).hypervisor
        assert isinstance(driver, MemoryDriver)
        return driver


@dataclass(frozen=True, kw_only=True)
class Site:
    """A manager that serves, and shortcuts past its pages to what a test starts from."""

    manager: Manager
    hosts: Hosts
    address: str

    def done(self, job: Job) -> Job:
        ended = self.manager.engine.wait(job.id, timeout_s=WAIT_S)
        assert ended.state is JobState.SUCCEEDED, f"{ended.error} {ended.remedy}"
        return ended

    def make_vm(self, name: str, *, start: bool = False, **spec: Any) -> str:
        """A VM from the template `tiny`; returns its id."""
        wanted = VmSpec(name=name, template="tiny", size="micro", host="h1", start=start, **spec)
        services = self.manager.services
        self.done(services.vm_create.create(VmCreation(spec=wanted), principal=SYSTEM))
        return services.vms.get(name, principal=SYSTEM).id

    def driver(self, host: str = "h1") -> MemoryDriver:
        return self.hosts.memory(f"test:///{host}")


@contextmanager
def served(manager: Manager) -> Iterator[str]:
    """The manager's app on a free port; yields its address."""
    server = make_server(make_app(manager), manager.settings)
    started = threading.Event()
    startup = server.startup

    async def announced(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = announced  # type: ignore[method-assign]  # the only word of it that can be had
    thread = threading.Thread(target=server.run, name="site")
    thread.start()
    try:
        assert started.wait(WAIT_S), "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join(WAIT_S)


def _add_template(manager: Manager, name: str) -> None:
    content = struct.pack(">4sIQIIQ", b"QFI\xfb", 2, 0, 0, 16, _DISK_BYTES).ljust(4096, b"\0")
    library = library_path(manager.settings.state_dir)
    library.mkdir(parents=True, exist_ok=True)
    (library / f"{name}.qcow2").write_bytes(content)
    template = Template(
        id=new_uuid(),
        name=name,
        title="Tiny system",
        os="linux",
        volume=f"{name}.qcow2",
        disk_bytes=_DISK_BYTES,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        default_size="micro",
        default_user="castalia",
        created_at=datetime.now(UTC),
    )
    with manager.database.write() as connection:
        templates.insert(connection, template)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One manager for all tests, which use names of their own, with two hosts and a template."""
    if not (STATIC / "vendor" / "manifest.json").exists():
        pytest.skip("the pages' assets are missing: npm ci && scripts/assets")
    hosts = Hosts()
    settings = Settings(
        state_dir=tmp_path_factory.mktemp("site"),
        server=ServerSettings(port=0),
        metrics=MetricSettings(interval_s=1),
    )
    manager = build(settings, open_host=hosts.open)
    manager.start()
    try:
        for role in Role:
            manager.services.users.create(role.value, PASSWORD, role, principal=SYSTEM)
        _add_template(manager, "tiny")
        with served(manager) as address:
            site = Site(manager=manager, hosts=hosts, address=address)
            for name in ("h1", "h2"):
                change = HostChange(name=name, uri=f"test:///{name}")
                site.done(manager.services.hosts.add(change, principal=SYSTEM))
            yield site
    finally:
        manager.stop()
