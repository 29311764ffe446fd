"""An engine on a database, and short words for what the tests do with it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from castalia.db.database import Database
from castalia.jobs.engine import JobEngine
from castalia.jobs.request import JobRequest, Resource
from castalia.model.job import Job, JobState, StepState
from castalia.settings import JobSettings

END_S = 20.0


class Bench:
    """One engine and what its handlers did, in order."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        self.did: list[str] = []
        self.changes: list[Job] = []
        self._engines: list[JobEngine] = []
        self.engine = self.another(**settings)

    def another(self, *, starving_after_s: float = 30.0, **settings: Any) -> JobEngine:
        """A further engine on the same database."""
        engine = JobEngine(
            self.database,
            JobSettings(**settings),
            on_change=self.changes.append,
            starving_after_s=starving_after_s,
        )
        self._engines.append(engine)
        return engine

    def put(self, kind: str, *names: str, engine: JobEngine | None = None, **values: Any) -> str:
        """Enqueues a job that holds each of the named resources alone."""
        values.setdefault("title", kind)
        values.setdefault("resources", tuple(Resource(name=name) for name in names))
        with self.database.write() as connection:
            return (engine or self.engine).enqueue(connection, JobRequest(kind=kind, **values))

    def end(self, job_id: str) -> Job:
        """The job, once it has finished."""
        job = self.engine.wait(job_id, timeout_s=END_S)
        assert job.state.finished, job
        return job

    def run(self, kind: str, *names: str, **values: Any) -> Job:
        """Enqueues a job and waits for its end."""
        return self.end(self.put(kind, *names, **values))

    def note(self, word: str, value: Any = None) -> Callable[..., Any]:
        """A step, or an undo, that only writes down that it ran and with what."""

        def write(*undone: Any) -> Any:
            self.did.append(f"{word} {undone[0]}" if undone else word)
            return value

        return write

    def close(self) -> None:
        """Stops every engine."""
        for engine in self._engines:
            engine.stop(timeout_s=END_S)


class Gate:
    """Where a handler waits until the test lets it go."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        self._reached.set()
        assert self._open.wait(END_S)

    def reached(self) -> None:
        """Waits until the handler is there."""
        assert self._reached.wait(END_S)

    def open(self) -> None:
        """Lets the handler go on."""
        self._open.set()


@pytest.fixture
def bench(database: Database) -> Iterator[Bench]:
    """An engine that is not started yet; the test runs on both databases."""
    made = Bench(database)
    yield made
    made.close()


@pytest.fixture
def sqlite_bench(sqlite_database: Database) -> Iterator[Bench]:
    """The same on SQLite alone, for what no database can change."""
    made = Bench(sqlite_database)
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that does not outlive its test."""
    made = Gate()
    yield made
    made.open()


def states(job: Job) -> dict[str, StepState]:
    """How each step of the job ended."""
    return {step.name: step.state for step in job.steps}


__all__ = ["Bench", "Gate", "JobState", "states"]
