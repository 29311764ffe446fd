"""Bytes from the manager into a volume, over the host's libvirt connection: it needs no other way
to the host, and holes in the data stay holes."""

from collections.abc import Callable
from typing import BinaryIO

import libvirt

from castalia.model.storage import VolumeFormat
from castalia.storage import refusals, rules
from castalia.storage.image_header import HEADER_BYTES, ImageHeader, read_header

CHUNK_BYTES = 256 * 1024 - 24
"""The most that goes into one message of libvirt's protocol."""
_REPORT_EVERY_BYTES = 4 * 1024 * 1024


class Feed:
    """An upload's source: read in chunks, its header checked before anything is written."""

    def __init__(self, source: BinaryIO, *, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.done_bytes = 0
        self._source = source
        self._first = self._read(min(size_bytes, max(CHUNK_BYTES, HEADER_BYTES)))

    def checked_header(self, *, name: str, format: VolumeFormat) -> ImageHeader:
        """The image's header; raises ImageError if it contradicts the announced format."""
        header = read_header(self._first[:HEADER_BYTES], size_bytes=self.size_bytes)
        rules.checked_image(header, name=name, format=format)
        return header

    def next(self) -> bytes:
        """The next bytes, empty at the end; raises InvalidRequest if there are fewer than were
        announced."""
        chunk = self._first or self._read(min(CHUNK_BYTES, self.size_bytes - self.done_bytes))
        self._first = b""
        self.done_bytes += len(chunk)
        return chunk

    def _read(self, wanted: int) -> bytes:
        """Exactly so many bytes: a pipe or an upload gives them in pieces."""
        parts: list[bytes] = []
        missing = wanted
        while missing:
            part = self._source.read(missing)
            if not part:
                raise refusals.ended_early(self.done_bytes + wanted - missing, self.size_bytes)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def pour(
    feed: Feed,
    volume: libvirt.virStorageVol,
    stream: libvirt.virStream,
    *,
    progress: Callable[[int], None] | None,
) -> None:
    """Writes everything into the volume, which must be new and raw so that holes read as zeros.

    Whatever goes wrong, also in `progress`, ends the stream and is raised.
    """
    flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM
    volume.upload(stream, 0, feed.size_bytes, flags)
    try:
        reported = 0
        while chunk := feed.next():
            _send(stream, chunk)
            if progress and feed.done_bytes - reported >= _REPORT_EVERY_BYTES:
                progress(feed.done_bytes)
                reported = feed.done_bytes
        stream.finish()
    except BaseException:
        _abort(stream)
        raise
    if progress:
        progress(feed.done_bytes)


def _send(stream: libvirt.virStream, chunk: bytes) -> None:
    if chunk.count(0) == len(chunk):
        stream.sendHole(len(chunk), 0)
        return
    view = memoryview(chunk)
    while view:
        view = view[stream.send(bytes(view)) :]


def _abort(stream: libvirt.virStream) -> None:
    try:
        stream.abort()
    except libvirt.libvirtError:
        return  # it has ended by itself, with the error that is on its way up
