"""Says "the disk is full" in one way, wherever it is noticed."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from castalia.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_WORDS = ("No space left on device", "Disk quota exceeded")
"""What programs print in that case, in the C locale."""


@contextmanager
def room() -> Iterator[None]:
    """Within it, an OSError that means a full disk becomes a StorageError."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in _FULL:
            raise
        raise no_space_left(str(exc)) from exc


def no_space_left(detail: str) -> StorageError:
    """The error for a file that its disk has no room for."""
    return StorageError(
        "There is no space left for the file.",
        remedy="Free some space on the disk that it shall go to, then try again.",
        code="storage.full",
        detail=detail,
    )
