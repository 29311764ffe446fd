"""The least that a queue in a database can be: take the oldest row in one statement, run it, mark
it done in another. No lease, limits, steps, cancel or log; what the engine costs beyond that is
what these cost."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Column, Double, Integer, MetaData, Table, Text, insert, select, update

from castalia.db.database import Database

POLL_S = 0.1

_metadata = MetaData()
_queue = Table(
    "peer_queue",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("done_at", Double),
)


class RawQueue:
    """`SELECT … FOR UPDATE SKIP LOCKED` on PostgreSQL, the same under the writer's lock on SQLite;
    each worker polls when it finds nothing."""

    def __init__(self, database: Database, work: Callable[[], None], *, workers: int) -> None:
        self._database = database
        self._work = work
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._loop) for _ in range(workers)]
        self._done = threading.Semaphore(0)
        _metadata.create_all(database.engine)

    def start(self) -> None:
        """Begins to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Works no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def put(self, count: int) -> None:
        """Adds so many jobs in one transaction."""
        with self._database.write() as connection:
            connection.execute(insert(_queue), [{"state": "queued"}] * count)

    def wait(self, count: int) -> None:
        """Waits until so many more have been done."""
        for _ in range(count):
            self._done.acquire()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            if not self._one():
                self._stopping.wait(POLL_S)

    def _one(self) -> bool:
        oldest = (
            select(_queue.c.id)
            .where(_queue.c.state == "queued")
            .order_by(_queue.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            taken = connection.execute(oldest).scalar()
            if taken is None:
                return False
            mine = update(_queue).where(_queue.c.id == taken)
            connection.execute(mine.values(state="running"))
        self._work()
        with self._database.write() as connection:
            connection.execute(mine.values(state="done", done_at=time.time()))
        self._done.release()
        return True
