"""Tells the rest of the manager about jobs that changed, and lets callers wait for a job's end."""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection, event

from castalia.errors import NotFound
from castalia.model.job import Job, JobState

_logger = structlog.get_logger(__name__)
_POLL_S = 1.0
_INFO_KEY = "castalia_jobs"


class Announcer:
    """Calls `on_change` with a job after each commit that changed it; its errors are logged."""

    def __init__(self, get: Callable[[str], Job], on_change: Callable[[Job], None] | None) -> None:
        self._get = get
        self._on_change = on_change
        self._condition = threading.Condition()

    def changed(self, job_id: str) -> None:
        """A commit has changed this job."""
        with self._condition:
            self._condition.notify_all()
        self._tell(job_id, lambda _: True)

    def created(self, job_id: str) -> None:
        """The transaction that enqueued this job is over. It may have been rolled back, or the job
        has started already, which is announced by itself."""
        self._tell(job_id, lambda job: job.state is JobState.QUEUED)

    def _tell(self, job_id: str, wanted: Callable[[Job], bool]) -> None:
        if self._on_change is None:
            return
        try:
            job = self._get(job_id)
            if wanted(job):
                self._on_change(job)
        except NotFound:
            return
        except Exception:
            _logger.exception("job.announce-failed", job_id=job_id)

    def wait(self, job_id: str, *, timeout_s: float) -> Job:
        """The job once it has finished, or as it is after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._condition:
                job = self._get(job_id)
                left_s = deadline - time.monotonic()
                if job.state.finished or left_s <= 0:
                    return job
                # Other managers' commits make no sound here, hence the poll.
                self._condition.wait(min(left_s, _POLL_S))


class CommitWatch:
    """Learns when the transaction of an enqueue is over, without the caller's help.

    The connection goes back to its pool right after commit or rollback; that is the signal.
    """

    def __init__(self, over: Callable[[list[str]], None]) -> None:
        self._over = over
        self._lock = threading.Lock()

    def watch(self, connection: Connection, job_id: str) -> None:
        """Calls `over` with the job's id once the connection's transaction is over."""
        connection.info.setdefault(_INFO_KEY, []).append((self, job_id))
        pool = connection.engine.pool
        with self._lock:
            if not event.contains(pool, "checkin", _checked_in):
                event.listen(pool, "checkin", _checked_in)

    def over(self, job_ids: list[str]) -> None:
        """The transaction that enqueued these jobs has ended."""
        self._over(job_ids)


def _checked_in(_dbapi: object, record: Any) -> None:
    waiting: list[tuple[CommitWatch, str]] = record.info.pop(_INFO_KEY, [])
    for watch in {watch for watch, _ in waiting}:
        watch.over([job_id for other, job_id in waiting if other is watch])
