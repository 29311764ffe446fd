"""Hears what other managers on the same PostgreSQL server have committed."""

import threading
from collections.abc import Callable
from typing import Any

import structlog

from castalia.jobs.database import CHANNEL, JobDatabase

_logger = structlog.get_logger(__name__)
_RETRY_S = 1.0


class Listener:
    """A thread with a connection of its own that calls `heard` with each word that was notified.
    Words may get lost while the connection is down: a poll stands behind it."""

    def __init__(self, database: JobDatabase, heard: Callable[[str], None]) -> None:
        self._database = database
        self._heard = heard
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="job-listener", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listens no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:
                _logger.warning("job.listener-lost", error=str(error))
                self._stopping.wait(_RETRY_S)

    def _listen(self) -> None:
        driver = self._connect()
        try:
            driver.execute(f"LISTEN {CHANNEL}")
            while not self._stopping.is_set():
                for notice in driver.notifies(timeout=0.25):
                    self._heard(notice.payload)
        finally:
            driver.close()

    def _connect(self) -> Any:
        with self._database.read() as connection:
            fresh = connection.engine.raw_connection()
        driver: Any = fresh.driver_connection
        fresh.detach()  # it must not go back to the pool: it listens
        driver.autocommit = True
        return driver
