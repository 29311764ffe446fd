"""`world`: a manager over hosts in memory. A class that says its `steps` gets one run for each."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from tests.workflows.faults import Moment, StepFaults
from tests.workflows.world import World

from castalia.db import migrate
from castalia.db.database import Database
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
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("database") / "castalia.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def template_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny qcow2 image."""
    path = tmp_path_factory.mktemp("template") / "tiny.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "4M"], check=True)
    return path


@contextmanager
def _running(
    state_dir: Path, empty_database: Path, template_disk: Path, patch: pytest.MonkeyPatch
) -> Iterator[World]:
    state_dir.mkdir()
    shutil.copy(empty_database, state_dir)
    faults = StepFaults()
    patch.setattr(JobContext, "step", _step_with(faults))
    patch.setattr("castalia.bootstrap.Passwords", _cheap_passwords)
    world = World(state_dir=state_dir, template_disk=template_disk, faults=faults)
    faults.on_kill = world.wake
    world.start()
    try:
        yield world
    finally:
        world.stop()


@pytest.fixture
def bare_world(
    tmp_path: Path, empty_database: Path, template_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A manager without any host."""
    with _running(tmp_path / "state", empty_database, template_disk, monkeypatch) as world:
        yield world


@pytest.fixture(scope="module")
def shared_world(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path, template_disk: Path
) -> Iterator[World]:
    """A manager with the host `h1`, for tests of one module that change nothing."""
    state_dir = tmp_path_factory.mktemp("shared") / "state"
    with (
        pytest.MonkeyPatch.context() as patch,
        _running(state_dir, empty_database, template_disk, patch) as world,
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
