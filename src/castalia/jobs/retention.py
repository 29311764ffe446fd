"""Forgets what nobody asks for any more."""

import time
from collections.abc import Callable, Collection

from sqlalchemy import Connection, delete, literal, select, tuple_, update

from castalia.jobs.database import JobDatabase, clock
from castalia.jobs.journal import Failure
from castalia.jobs.queue import free
from castalia.jobs.tables import jobs
from castalia.model.job import JobState

_EVERY_S = 600.0
_BATCH = 500
_ORPHAN_AFTER_S = 86400.0
_DAY_S = 86400.0

_ORPHAN = Failure(
    code="job.unknown-kind",
    message="No manager knows this kind of job any more.",
    remedy="Start it again with this version; if it had begun, look at what it has left behind.",
)


class Retention:
    """Deletes finished jobs after `retention_days`, in small transactions, and buries jobs that no
    manager has known how to run for a day."""

    def __init__(
        self,
        database: JobDatabase,
        *,
        retention_days: float,
        kinds: Callable[[], Collection[tuple[str, int]]],
    ) -> None:
        self._database = database
        self._keep_s = retention_days * _DAY_S
        self._kinds = kinds
        self._next = 0.0

    def tick(self) -> None:
        """Does a small part of its work when it is due: leases are kept alive by the same thread,
        which must not be kept long."""
        if time.monotonic() < self._next:
            return
        self._bury()
        if not self._forget():
            self._next = time.monotonic() + _EVERY_S

    def _bury(self) -> None:
        with self._database.write() as connection:
            _bury(connection, self._kinds())

    def _forget(self) -> bool:
        with self._database.write() as connection:
            old = (
                select(jobs.c.id)
                .where(jobs.c.finished_at < clock(connection) - literal(self._keep_s))
                .limit(_BATCH)
            )
            return connection.execute(delete(jobs).where(jobs.c.id.in_(old))).rowcount == _BATCH


def _bury(connection: Connection, kinds: Collection[tuple[str, int]]) -> None:
    values = {
        "state": JobState.FAILED.value,
        "finished_at": clock(connection),
        "holding": False,
        "error_code": _ORPHAN.code,
        "error": _ORPHAN.message,
        "remedy": _ORPHAN.remedy,
    }
    buried = connection.execute(
        update(jobs)
        .where(
            jobs.c.state == JobState.QUEUED,
            tuple_(jobs.c.kind, jobs.c.version).not_in(list(kinds)),
            jobs.c.not_before < clock(connection) - literal(_ORPHAN_AFTER_S),
        )
        .values(values)
        .returning(jobs.c.id)
    )
    free(connection, list(buried.scalars()))
