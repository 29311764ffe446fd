"""Unpacks gzip, xz and zstd downloads as a stream, within bounds that a bomb cannot exceed."""

import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from castalia.errors import ImageError
from castalia.images.command import Check, Progress, ignore_progress, keep_going, run
from castalia.images.room import room
from castalia.images.sniff import GZIP, XZ, ZSTD
from castalia.model.amount import GIB, MIB, format_bytes

_CHUNK_BYTES = 1024**2
_MEMORY_LIMIT_MIB = 256
_MAX_RATIO = 200
"""Disk images shrink 2 to 20 fold, sparse ones up to about 100; bombs 1,000 and more."""
_FREE_BYTES = 1 * GIB
"""Below this much output the ratio is not looked at: a small blank disk is no attack."""
SUFFIXES = (".gz", ".xz", ".zst")


def compression(path: Path) -> str:
    """`gzip`, `xz`, `zstd`, or empty for a file that is none of these."""
    with path.open("rb") as file:
        head = file.read(8)
    known = {GZIP: "gzip", XZ: "xz", ZSTD: "zstd"}
    return next((name for magic, name in known.items() if head.startswith(magic)), "")


def inner_name(filename: str) -> str:
    """The name without the compression's extension: `disk.qcow2` for `disk.qcow2.xz`."""
    path = Path(filename)
    return path.stem if path.suffix.lower() in SUFFIXES else filename


def decompress(
    source: Path,
    destination: Path,
    *,
    max_bytes: int,
    progress: Progress = ignore_progress,
    check: Check = keep_going,
) -> Path:
    """Unpacks `source` to `destination`, which appears at the end; zeros become holes.

    Raises ImageError for broken data, for more than `max_bytes`, or for a ratio that no disk image
    has; StorageError when the disk is full; and what `check` raises.
    """
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    try:
        with room(), partial.open("wb") as file:
            sink = _Sink(file, packed_bytes=source.stat().st_size, max_bytes=max_bytes)
            _unpack(source, sink.write, progress, check)
            sink.finish()
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    progress(100, "Unpacked")
    return destination


class _Sink:
    """A sparse file that refuses to grow beyond its bounds."""

    def __init__(self, file: BinaryIO, *, packed_bytes: int, max_bytes: int) -> None:
        self._file = file
        self._limit = min(max_bytes, max(_FREE_BYTES, packed_bytes * _MAX_RATIO))
        self._max_bytes = max_bytes
        self._done = 0

    def write(self, chunk: bytes) -> None:
        self._done += len(chunk)
        if self._done > self._limit:
            raise self._too_much()
        if chunk.count(0) == len(chunk):
            self._file.seek(self._done)
        else:
            self._file.write(chunk)

    def finish(self) -> None:
        self._file.truncate(self._done)

    def _too_much(self) -> ImageError:
        if self._done > self._max_bytes:
            message = f"Unpacked, the file is larger than {format_bytes(self._max_bytes)}."
        else:
            message = f"The file unpacks to more than {_MAX_RATIO} times its size: a bomb."
        remedy = "Unpack it where you trust it, and import the disk image itself."
        return ImageError(message, remedy=remedy, code="image.bomb")


def _unpack(source: Path, write: Callable[[bytes], None], progress: Progress, check: Check) -> None:
    kind = compression(source)
    if kind == "zstd":
        _unpack_zstd(source, write, progress, check)
    elif kind == "xz":
        _unpack_stream(source, _xz_pieces, write, progress, check)
    elif kind == "gzip":
        _unpack_stream(source, _gzip_pieces, write, progress, check)
    else:
        raise ImageError(
            "This file is not compressed with gzip, xz or zstd.",
            remedy="Unpack it first, then import the disk image.",
            code="image.compressed",
        )


def _unpack_stream(
    source: Path,
    pieces: Callable[[BinaryIO], Iterator[bytes]],
    write: Callable[[bytes], None],
    progress: Progress,
    check: Check,
) -> None:
    size_bytes = source.stat().st_size
    with source.open("rb") as packed, _broken_data():
        for piece in pieces(packed):
            check()
            write(piece)
            progress(min(99, packed.tell() * 100 // size_bytes), "Unpacking")


def _gzip_pieces(packed: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=packed) as stream:
        while piece := stream.read(_CHUNK_BYTES):
            yield piece


def _xz_pieces(packed: BinaryIO) -> Iterator[bytes]:
    """By hand, because an archive says how much memory it needs, and LZMAFile would obey."""
    rest = packed.read(_CHUNK_BYTES)
    while rest:
        reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_LIMIT_MIB * MIB)
        while not reader.eof:
            data = rest if reader.needs_input else b""
            if reader.needs_input and not data:
                raise EOFError("the archive ends in the middle")
            yield reader.decompress(data, _CHUNK_BYTES)
            rest = packed.read(_CHUNK_BYTES) if reader.needs_input and not reader.eof else b""
        # Streams may follow each other, with zeros in between as padding.
        rest = (reader.unused_data or packed.read(_CHUNK_BYTES)).lstrip(b"\0")


def _unpack_zstd(
    source: Path, write: Callable[[bytes], None], progress: Progress, check: Check
) -> None:
    """Python learns zstd only in 3.14; its own program bounds memory and streams."""
    progress(0, "Unpacking")
    run(
        ["zstd", "-d", "-c", "-q", f"--memory={_MEMORY_LIMIT_MIB}MB", "--", source],
        failure="The compressed file is damaged.",
        remedy="Copy or download it again, and compare its checksum.",
        check=check,
        on_output=write,
    )


@contextmanager
def _broken_data() -> Iterator[None]:
    try:
        yield
    except (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError) as exc:
        raise ImageError(
            "The compressed file is damaged or cut off.",
            remedy="Copy or download it again, and compare its checksum.",
            code="image.broken",
            detail=str(exc),
        ) from exc
