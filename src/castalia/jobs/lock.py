"""Proof that one process alone uses a SQLite database."""

import fcntl
import os
from pathlib import Path

from castalia.errors import Conflict


class ProcessLock:
    """A lock file that the kernel frees when its process dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "jobs.lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises Conflict when another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Conflict(
                "Another manager runs on this state directory.",
                code="job.second-manager",
                remedy="Stop it first, or use PostgreSQL for several managers.",
                detail=str(self._path),
            ) from error
        self._descriptor = descriptor

    def free(self) -> None:
        """Gives it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
