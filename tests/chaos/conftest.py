"""Manager processes that tests kill, stop and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.postgresql import address

from castalia.db.database import Database
from castalia.jobs.engine import JobEngine
from castalia.jobs.request import JobRequest, Resource
from castalia.model.job import Job
from castalia.settings import JobSettings

END_S = 80.0


class Managers:
    """Processes that share one database, and what they did."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self._url = address(database)
        self.directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        (directory / "effects").touch()
        # it enqueues and looks, but is never started
        self._engine = JobEngine(database, JobSettings())
        self._engine.register("steps", lambda ctx: None)

    def start(self, kill_at: str = "", *, lease_ttl_s: float = 1.5) -> "subprocess.Popen[bytes]":
        """A fresh manager process, at work when this returns."""
        arguments = [self._url, str(self.directory), str(lease_ttl_s), kill_at]
        command = [sys.executable, "-m", "tests.chaos.job_worker", *arguments]
        environment = os.environ | {"PYTHONPATH": "src"}
        process = subprocess.Popen(
            command, env=environment, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL
        )
        self._processes.append(process)
        self.until(lambda: ["up", str(process.pid)] in self.effects())
        return process

    def put(self, **args: object) -> str:
        """Enqueues a job of five steps; `host` is a resource with four places."""
        return self.put_all([args])[0]

    def put_all(self, all_args: list[dict[str, object]]) -> list[str]:
        """Enqueues many such jobs at one moment."""
        with self.database.write() as connection:
            return [self._engine.enqueue(connection, _request(args)) for args in all_args]

    def end(self, job_id: str) -> Job:
        """The job, once it has finished."""
        job = self._engine.wait(job_id, timeout_s=END_S)
        assert job.state.finished, job
        return job

    def effects(self) -> list[list[str]]:
        """What was done, in order."""
        return [line.split() for line in (self.directory / "effects").read_text().splitlines()]

    def done(self, word: str, job_id: str) -> list[str]:
        """The steps that were done (or undone) for a job, in order."""
        return [line[2] for line in self.effects() if line[:2] == [word, job_id]]

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits for something that another process brings about."""
        deadline = time.monotonic() + END_S
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self) -> None:
        """Kills every process that is left."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _request(args: dict[str, object]) -> JobRequest:
    held = (Resource(name=f"host:{args['host']}", limit=4),) if "host" in args else ()
    return JobRequest(kind="steps", title="steps", args=args, resources=held)


@pytest.fixture
def managers(database: Database, tmp_path: Path) -> Iterator[Managers]:
    """Manager processes on one database; the test runs on SQLite and on PostgreSQL."""
    with _managers(database, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite_managers(sqlite_database: Database, tmp_path: Path) -> Iterator[Managers]:
    """The same on SQLite, where one runs at a time."""
    with _managers(sqlite_database, tmp_path) as made:
        yield made


@pytest.fixture
def replicas(postgresql_database: Database, tmp_path: Path) -> Iterator[Managers]:
    """The same on PostgreSQL, where several run at a time."""
    with _managers(postgresql_database, tmp_path) as made:
        yield made


@contextmanager
def _managers(database: Database, directory: Path) -> Iterator[Managers]:
    made = Managers(database, directory)
    try:
        yield made
    finally:
        made.close()
