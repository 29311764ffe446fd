"""Collects a file that arrives in pieces: an upload that may stop and go on.

The sender says at which offset a piece belongs, as in the tus protocol (https://tus.io); a piece
that does not begin where the file ends is refused, so nothing is ever lost or doubled.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from castalia.errors import Busy, Conflict, InvalidRequest
from castalia.images.command import Check, keep_going
from castalia.images.fetch import no_space_left

_CHUNK_BYTES = 1024**2


def length(path: Path) -> int:
    """How many bytes have arrived; 0 when none has."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def append(
    path: Path,
    offset: int,
    stream: BinaryIO,
    *,
    max_bytes: int,
    check: Check = keep_going,
) -> int:
    """Appends what `stream` yields at `offset` and returns the new length.

    When the stream or `check` raises, what arrived before stays, and the sender goes on from
    `length`. Raises Conflict when the file does not end at `offset`, Busy while another piece is
    being appended, InvalidRequest beyond `max_bytes` (the piece is taken back), StorageError when
    the disk is full.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        _lock(file)
        _check_end(file, offset)
        try:
            return _copy(stream, file, offset, max_bytes, check)
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            file.truncate(offset)
            raise no_space_left(exc) from exc


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        message = "Another piece of this upload is still arriving."
        raise Busy(message, remedy="Wait for it to end.", code="upload.busy") from exc


def _check_end(file: BinaryIO, offset: int) -> None:
    if (end := file.seek(0, os.SEEK_END)) != offset:
        raise Conflict(
            f"The upload stands at {end} bytes, not at {offset}.",
            remedy=f"Go on at offset {end}.",
            code="upload.offset",
        )


def _copy(stream: BinaryIO, file: BinaryIO, offset: int, max_bytes: int, check: Check) -> int:
    done = offset
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            check()
            if done + len(chunk) > max_bytes:
                file.truncate(offset)
                remedy = "Send no more bytes than were announced."
                raise InvalidRequest("The upload is too long.", field="offset", remedy=remedy)
            file.write(chunk)
            done += len(chunk)
    finally:
        file.flush()
        os.fsync(file.fileno())
    return done
