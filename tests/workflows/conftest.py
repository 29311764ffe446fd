"""`world`: a manager over hosts in memory. A class that says its `steps` gets one run for each."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from tests.workflows.databases import Databases
from tests.workflows.faults import Moment, StepFaults
from tests.workflows.keeper import Keeper
from tests.workflows.world import World

from castalia.jobs.context import JobContext
from castalia.services.passwords import Passwords

pytest.register_assert_rewrite("tests.workflows.every_step")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run for each step, and for each moment at which it may fail."""
    if "step" in metafunc.fixturenames:
        metafunc.parametrize("step", metafunc.cls.steps)
    if "moment" in metafunc.fixturenames:
        metafunc.parametrize("moment", list(Moment))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases for the worlds."""
    databases = Databases(tmp_path_factory.mktemp("databases"))
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def template_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny qcow2 image."""
    path = tmp_path_factory.mktemp("template") / "tiny.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "4M"], check=True)
    return path


@contextmanager
def _running(
    state_dir: Path, databases: Databases, template_disk: Path, patch: pytest.MonkeyPatch
) -> Iterator[World]:
    faults = StepFaults()
    patch.setattr(JobContext, "step", _step_with(faults))
    patch.setattr("castalia.bootstrap.Passwords", _cheap_passwords)
    patch.setattr("castalia.bootstrap.Database", databases.open)
    with databases.lent() as database:
        world = World(
            state_dir=state_dir,
            database_url=database.url,
            template_disk=template_disk,
            faults=faults,
        )
        faults.on_kill = world.wake
        world.start()
        try:
            yield world
        finally:
            world.stop()


@pytest.fixture
def bare_world(
    tmp_path: Path, databases: Databases, template_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A manager without any host."""
    with _running(tmp_path / "state", databases, template_disk, monkeypatch) as world:
        yield world


@pytest.fixture(scope="class")
def keeper(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, template_disk: Path
) -> Iterator[Keeper]:
    """Keeps a world for the tests of a class."""

    @contextmanager
    def running() -> Iterator[World]:
        state_dir = tmp_path_factory.mktemp("kept") / "state"
        with (
            pytest.MonkeyPatch.context() as patch,
            _running(state_dir, databases, template_disk, patch) as world,
        ):
            yield world

    keeper = Keeper(running)
    yield keeper
    keeper.let_go()


@pytest.fixture
def prepared(keeper: Keeper, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world that the class has prepared; the next test gets it too if this one leaves it as it
    was."""
    yield keeper.world(request.instance.prepare)
    keeper.look_after()


@pytest.fixture(scope="module")
def shared_world(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, template_disk: Path
) -> Iterator[World]:
    """A manager with the host `h1`, for tests of one module that change nothing."""
    state_dir = tmp_path_factory.mktemp("shared") / "state"
    with (
        pytest.MonkeyPatch.context() as patch,
        _running(state_dir, databases, template_disk, patch) as world,
    ):
        world.add_host()
        yield world


def _step_with(faults: StepFaults) -> Callable[..., Any]:
    return lambda context, name, fn, **options: faults.step(context, name, fn, **options)


def _cheap_passwords() -> Passwords:
    """Each manager makes a hash when it starts, which takes longer than most of these tests."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def world(bare_world: World) -> World:
    """A manager with the host `h1`."""
    bare_world.add_host()
    return bare_world
