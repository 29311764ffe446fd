"""A whole manager in this process: real services, database and job engine, over hosts in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from castalia import console
from castalia.api.app import create_app
from castalia.bootstrap import Manager, build
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.jobs.context import JobContext
from castalia.model.access import SYSTEM, Role
from castalia.model.host import HostChange
from castalia.model.job import Job, JobState
from castalia.services.host_link import Drivers
from castalia.settings import MetricSettings, ServerSettings, Settings
from castalia.storage.driver_memory import MemoryStorage
from castalia.workflows.catalog import WORKFLOWS
from castalia.workflows.parts import Parts

IMAGE_WORK = ("template_build", "template_import", "volume_import")
PASSWORD = "correct horse battery staple"


@dataclass
class Hosts:
    """Hosts in memory by URI; one that is asked for again is the same one."""

    drivers: dict[str, Drivers] = field(default_factory=dict)

    def open(self, uri: str) -> Drivers:
        if uri not in self.drivers:
            self.drivers[uri] = Drivers(hypervisor=MemoryDriver(), storage=MemoryStorage())
        return self.drivers[uri]

    def memory(self, uri: str = "test:///h1") -> MemoryDriver:
        driver = self.open(uri).hypervisor
        assert isinstance(driver, MemoryDriver)
        return driver


@dataclass(frozen=True, kw_only=True)
class World:
    """A manager with host `h1`, users of every role, and a client that has not said who it is."""

    manager: Manager
    hosts: Hosts
    app: FastAPI
    client: TestClient
    tokens: dict[Role, str]

    def as_(self, role: Role) -> dict[str, str]:
        """The headers of a program with that role."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def call(self, method: str, path: str, *, role: Role = Role.ADMIN, **more: Any) -> Any:
        """A request in a role."""
        headers = {**self.as_(role), **more.pop("headers", {})}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def done(self, answer: Any, *, state: JobState = JobState.SUCCEEDED) -> Job:
        """Waits for the job of a 202 answer, and expects it to end so."""
        assert answer.status_code == 202, answer.text
        job = self.manager.engine.wait(answer.json()["id"], timeout_s=20)
        assert job.state is state, f"{job.error} {job.remedy}"
        return job

    def make_vm(self, name: str, **spec: Any) -> str:
        """A stopped VM without a template; returns its id."""
        spec = {"name": name, "host": "h1", "memory_mib": 64, "start": False, **spec}
        self.done(self.call("POST", "/vms", json={"spec": spec}))
        return str(self.call("GET", f"/vms/{name}").json()["id"])


@contextmanager
def running_world(state_dir: Path) -> Iterator[World]:
    """Makes everything, and ends it."""
    hosts = Hosts()
    real_work = dict(WORKFLOWS)
    WORKFLOWS.update(dict.fromkeys(IMAGE_WORK, _no_image_work))
    settings = Settings(
        state_dir=state_dir,
        server=ServerSettings(host_names=("testserver",)),
        metrics=MetricSettings(interval_s=3600),
    )
    manager = build(settings, open_host=hosts.open)
    manager.start()
    manager.scheduler.drop("sampling-first")
    try:
        app = create_app(manager.services, settings=settings, routers=[console.router])
        tokens = {role: _token(manager, role) for role in Role}
        job = manager.services.hosts.add(HostChange(name="h1", uri="test:///h1"), principal=SYSTEM)
        assert manager.engine.wait(job.id, timeout_s=20).state is JobState.SUCCEEDED
        with TestClient(app, base_url="http://localhost") as client:
            yield World(manager=manager, hosts=hosts, app=app, client=client, tokens=tokens)
    finally:
        manager.stop()
        WORKFLOWS.update(real_work)


def _no_image_work(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Images would be fetched from elsewhere and built for minutes."""
    return {}


def _token(manager: Manager, role: Role) -> str:
    services = manager.services
    services.users.create(role.value, PASSWORD, role, principal=SYSTEM)
    session = services.sessions.login(role.value, PASSWORD)
    _, secret = services.tokens.create("test", role, principal=session.principal)
    return secret


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests of a module; they use names of their own."""
    with running_world(tmp_path_factory.mktemp("state")) as world:
        yield world


@pytest.fixture
def call(world: World) -> Callable[..., Any]:
    """A request as administrator."""
    return world.call
