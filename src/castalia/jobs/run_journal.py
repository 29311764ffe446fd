"""The journal in the database: each write is fenced, so that a run that lost its job cannot harm
the run that has it now."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, delete, func, insert, literal, select, update
from sqlalchemy.exc import DBAPIError

from castalia.errors import Busy
from castalia.jobs.claim import Claim
from castalia.jobs.database import JobDatabase, clock, notify
from castalia.jobs.group_commit import GroupCommit
from castalia.jobs.journal import Failure, StepRecord
from castalia.jobs.signals import LeaseLost
from castalia.jobs.tables import jobs, log, resources, steps
from castalia.model.job import JobState, StepState

PROGRESS_EVERY_S = 1.0
LOG_LINES_KEPT = 1000
LOG_LINE_LENGTH = 2000
_WRITE_TRIES = 5

_logger = structlog.get_logger(__name__)


class RunJournal:
    """The journal of one claimed job. `changed` is called after each commit that users can see."""

    def __init__(
        self,
        database: JobDatabase,
        commits: GroupCommit,
        claim: Claim,
        *,
        changed: Callable[[str], None],
    ) -> None:
        self._database = database
        self._commits = commits
        self._claim = claim
        self._changed = changed
        self._lock = threading.RLock()
        self._progress: dict[str, Any] = {}
        self._lines: list[dict[str, Any]] = []
        self._line_count = 0
        self._flushed_at = float("-inf")
        self._closed = False

    def records(self) -> Mapping[str, StepRecord]:
        """The steps that earlier runs began."""
        if self._claim.attempt == 1:
            return {}
        with self._database.read() as connection:
            rows = connection.execute(select(steps).where(steps.c.job_id == self._claim.id)).all()
            last = select(func.max(log.c.number)).where(log.c.job_id == self._claim.id)
            self._line_count = connection.execute(last).scalar() or 0
        return {
            row.name: StepRecord(
                state=StepState(row.state), position=row.position, result=row.result
            )
            for row in rows
        }

    def begin(self, name: str, *, position: int) -> None:
        """A step starts, or starts again."""

        def write(connection: Connection) -> None:
            values = {
                "state": StepState.RUNNING.value,
                "attempts": steps.c.attempts + 1,
                "error": "",
                "started_at": clock(connection),
                "finished_at": None,
            }
            if not connection.execute(self._step(name).values(values)).rowcount:
                first = {"job_id": self._claim.id, "name": name, "position": position}
                connection.execute(insert(steps).values({**values, **first, "attempts": 1}))

        self._write(write)

    def done(self, name: str, result: str) -> None:
        """A step is done. That is a sign of life: the count of crashes starts again."""

        def write(connection: Connection) -> None:
            self._close_step(connection, name, state=StepState.DONE, result=result, error="")

        self._write(write, {"crashes": 0})

    def failed(self, name: str, error: str) -> None:
        """A step failed."""

        def write(connection: Connection) -> None:
            self._close_step(connection, name, state=StepState.FAILED, error=error)

        self._write(write)

    def undoing(self, name: str) -> None:  # noqa: ARG002 -- the fence alone is of interest
        """Makes sure that the job is still ours before something is taken apart."""
        self._write(lambda _: None)

    def undone(self, name: str, *, error: str = "") -> None:
        """The undo of a step is through, or failed with `error`."""
        state = StepState.UNDO_FAILED if error else StepState.UNDONE

        def write(connection: Connection) -> None:
            values = {"error": error} if error else {}
            self._close_step(connection, name, state=state, **values)

        self._write(write, {"crashes": 0})

    def progress(self, percent: int, message: str) -> None:
        """Remembers how far the job is; at most once a second it is committed."""
        with self._lock:
            self._progress = {"percent": min(100, max(0, percent)), "message": message}
            due = time.monotonic() - self._flushed_at >= PROGRESS_EVERY_S
        if due:
            self.flush()

    def log(self, text: str, *, level: str) -> None:
        """Remembers a line for the log."""
        with self._lock:
            self._line_count += 1
            line = {"number": self._line_count, "at": time.time(), "level": level}
            self._lines.append({**line, "text": text[:LOG_LINE_LENGTH]})
            del self._lines[:-LOG_LINES_KEPT]

    def flush(self) -> None:
        """Commits progress and log lines, if there are any. Any thread may call it."""
        with self._lock:
            due = not self._closed and (self._progress or self._lines)
        if due:
            self._write(lambda _: None)

    def unwind(self, ending: JobState, failure: Failure | None) -> None:
        """From now on the job is being undone."""
        self._write(lambda _: None, {"ending": ending.value, **_error_columns(failure)})

    def finish(
        self, state: JobState, *, result: dict[str, Any] | None, failure: Failure | None
    ) -> None:
        """The job is over."""

        def write(connection: Connection) -> None:
            self._close_interrupted(connection)
            mine = resources.c.job_id == self._claim.id
            connection.execute(update(resources).where(mine).values(held=False))
            notify(connection, "wake", origin=self._claim.owner)

        values = {
            "state": state.value,
            "result": json.dumps(result or {}),
            "owner": "",
            "holding": False,
            **_error_columns(failure),
        }
        with self._lock:
            self._progress |= {"percent": 100} if state is JobState.SUCCEEDED else {}
        self._write(write, values, last=True)

    def release(self, *, delay_s: float = 0.0, retry: bool = False, message: str = "") -> None:
        """Gives the job back to the queue."""
        values: dict[str, Any] = {"state": JobState.QUEUED.value, "owner": ""}
        if message:
            values["message"] = message
        if retry:
            values["retried"] = jobs.c.retried + 1

        def write(connection: Connection) -> None:
            notify(connection, "wake", origin=self._claim.owner)

        self._write(write, values, last=True, delay_s=delay_s)

    def _step(self, name: str) -> Any:
        return update(steps).where(steps.c.job_id == self._claim.id, steps.c.name == name)

    def _close_step(
        self, connection: Connection, name: str, *, state: StepState, **values: Any
    ) -> None:
        closed = {"state": state.value, "finished_at": clock(connection), **values}
        connection.execute(self._step(name).values(closed))

    def _close_interrupted(self, connection: Connection) -> None:
        unclosed = (steps.c.job_id == self._claim.id, steps.c.state == StepState.RUNNING)
        interrupted = {"state": StepState.FAILED.value, "error": "Interrupted."}
        connection.execute(update(steps).where(*unclosed).values(interrupted))

    def _write(
        self,
        write: Callable[[Connection], object],
        values: Mapping[str, Any] | None = None,
        *,
        last: bool = False,
        delay_s: float = 0.0,
    ) -> None:
        with self._lock:
            progress, lines = self._progress, self._lines
            self._progress, self._lines = {}, []
            self._persist(write, {**progress, **(values or {})}, lines, delay_s=delay_s)
            self._flushed_at = time.monotonic()
            self._closed = self._closed or last
        self._changed(self._claim.id)

    def _persist(
        self,
        write: Callable[[Connection], object],
        values: dict[str, Any],
        lines: list[dict[str, Any]],
        *,
        delay_s: float,
    ) -> None:
        def work(connection: Connection) -> None:
            self._fence(connection, values, delay_s=delay_s)
            self._add_lines(connection, lines)
            write(connection)

        # What a step has done must not be forgotten because the database was busy for a moment.
        for attempt in range(_WRITE_TRIES):
            try:
                self._commits.write(work, order=self._claim.id)
            except (Busy, DBAPIError) as error:
                _logger.warning("job.journal-retry", job_id=self._claim.id, error=str(error))
                time.sleep(0.1 * 2**attempt)
            else:
                return
        raise LeaseLost

    def _fence(self, connection: Connection, values: dict[str, Any], *, delay_s: float) -> None:
        times: dict[str, Any] = {}
        if delay_s:
            times["not_before"] = clock(connection) + literal(delay_s)
        if JobState(values.get("state", JobState.RUNNING)).finished:
            times["finished_at"] = clock(connection)
        guarded = (
            update(jobs)
            .where(
                jobs.c.id == self._claim.id,
                jobs.c.owner == self._claim.owner,
                jobs.c.fence == self._claim.fence,
                jobs.c.state == JobState.RUNNING,
            )
            .values({"fence": jobs.c.fence, **values, **times})
        )
        if connection.execute(guarded).rowcount != 1:
            raise LeaseLost

    def _add_lines(self, connection: Connection, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        rows = [{"job_id": self._claim.id, **line} for line in lines]
        connection.execute(insert(log), rows)
        too_old = log.c.number <= lines[-1]["number"] - LOG_LINES_KEPT
        connection.execute(delete(log).where(log.c.job_id == self._claim.id, too_old))


def _error_columns(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {}
    return {"error_code": failure.code, "error": failure.message, "remedy": failure.remedy}
