"""Keeps leases alive, brings cancel flags back, commits progress, and ticks what is due."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import structlog
from sqlalchemy import Connection, literal, update
from sqlalchemy.sql.dml import ReturningUpdate

from castalia.jobs.database import clock, lock
from castalia.jobs.dispatcher import Dispatcher, RunningJob
from castalia.jobs.signals import LeaseLost
from castalia.jobs.tables import jobs
from castalia.model.job import JobState

_logger = structlog.get_logger(__name__)
_TICK_S = 1.0


class Heartbeat:
    """A thread that beats every third of a lease's life, and ticks once a second."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        owner: str,
        lease_ttl_s: float,
        ticks: tuple[Callable[[], None], ...],
    ) -> None:
        self._dispatcher = dispatcher
        self._owner = owner
        self._lease_ttl_s = lease_ttl_s
        self._ticks = (self._flush, *ticks)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="job-heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beats no more."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def beat_now(self) -> None:
        """Some other manager's user has cancelled a job; see whether it is one of ours."""
        self._wake.set()

    def _loop(self) -> None:
        beat_every_s = self._lease_ttl_s / 3
        next_beat = time.monotonic() + beat_every_s
        while not self._stopping:
            asked = self._wake.wait(min(_TICK_S, beat_every_s))
            self._wake.clear()
            if asked or time.monotonic() >= next_beat:
                _logged(self.beat)
                next_beat = time.monotonic() + beat_every_s
            for tick in self._ticks:
                _logged(tick)

    def beat(self) -> None:
        """Renews every lease; tells the handlers whose job was cancelled or lost."""
        running = self._dispatcher.running()
        if not running:
            return
        ours: dict[tuple[str, int], bool] = {}

        def renew(connection: Connection) -> None:
            lock(connection, running)
            rows = connection.execute(self._renewal(connection, running))
            ours.update({(row.id, row.fence): row.cancel_requested for row in rows})

        self._dispatcher.commits.write(renew)
        for job in running.values():
            _tell(job, ours.get((job.claim.id, job.claim.fence)))

    def _renewal(self, connection: Connection, ids: Collection[str]) -> ReturningUpdate[Any]:
        return (
            update(jobs)
            .where(
                jobs.c.id.in_(ids), jobs.c.owner == self._owner, jobs.c.state == JobState.RUNNING
            )
            .values(lease_until=clock(connection) + literal(self._lease_ttl_s))
            .returning(jobs.c.id, jobs.c.fence, jobs.c.cancel_requested)
        )

    def _flush(self) -> None:
        for job in self._dispatcher.running().values():
            try:
                job.journal.flush()
            except LeaseLost:
                job.flags.lose()


def _tell(job: RunningJob, cancel_requested: bool | None) -> None:  # noqa: FBT001 -- a column
    if cancel_requested is None:
        job.flags.lose()
    elif cancel_requested:
        job.flags.cancel()


def _logged(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:
        # The database may be away; the next beat tries again, and leases bridge the gap.
        _logger.exception("job.heartbeat-failed")
