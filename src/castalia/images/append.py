"""Collects a file that arrives in pieces: an upload that may stop and go on.

The sender says at which offset a piece belongs, as in the tus protocol (https://tus.io); a piece
that does not begin where the file ends is refused, so nothing is ever lost or doubled.
"""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from castalia.errors import Busy, Conflict, InvalidRequest, StorageError
from castalia.images.command import Check, keep_going
from castalia.images.room import room

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
    `length`. Raises Conflict when the file does not end at `offset`, and Busy while another piece
    is being appended. Raises InvalidRequest beyond `max_bytes`, StorageError when the disk is full;
    then the piece is taken back.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _lock(descriptor)
        _check_end(descriptor, offset)
        with room():
            return _copy(stream, descriptor, offset, max_bytes, check)
    except (InvalidRequest, StorageError):
        os.truncate(descriptor, offset)
        raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        message = "Another piece of this upload is still arriving."
        raise Busy(message, remedy="Wait for it to end.", code="upload.busy") from exc


def _check_end(descriptor: int, offset: int) -> None:
    if (end := os.lseek(descriptor, 0, os.SEEK_END)) != offset:
        raise Conflict(
            f"The upload stands at {end} bytes, not at {offset}.",
            remedy=f"Go on at offset {end}.",
            code="upload.offset",
        )


def _copy(stream: BinaryIO, descriptor: int, offset: int, max_bytes: int, check: Check) -> int:
    """Without a buffer of ours: what it held when the disk filled up would still be written."""
    done = offset
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            check()
            if done + len(chunk) > max_bytes:
                remedy = "Send no more bytes than were announced."
                raise InvalidRequest("The upload is too long.", field="offset", remedy=remedy)
            done += _write(descriptor, chunk)
    finally:
        os.fsync(descriptor)
    return done


def _write(descriptor: int, chunk: bytes) -> int:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(chunk)
