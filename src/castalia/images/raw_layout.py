"""Compares what a raw disk or an ISO says about its own length with the file's length."""

import struct
from typing import BinaryIO

from castalia.errors import ImageError

_SECTOR = 512
_MBR_ENTRIES, _MBR_SIGNATURE, _PROTECTIVE = 446, b"\x55\xaa", 0xEE
_ISO_VOLUME = 0x8000


def check_raw(file: BinaryIO, *, size_bytes: int) -> None:
    """Raises ImageError when a raw disk's partitions reach beyond the end of the file."""
    if size_bytes % _SECTOR:
        raise ImageError(
            "This is not a disk image: its size is no multiple of 512 bytes.",
            remedy="Copy or download it again, or give it the name of its real format.",
            code="image.broken",
        )
    file.seek(0)
    if _partition_end(file.read(2 * _SECTOR)) > size_bytes:
        raise _truncated("its partitions reach beyond the end of the file")


def check_iso(file: BinaryIO, *, size_bytes: int) -> None:
    """Raises ImageError when an ISO is shorter than its volume descriptor says."""
    file.seek(_ISO_VOLUME)
    descriptor = file.read(2048)
    if len(descriptor) < 2048:
        raise _truncated("its volume descriptor is cut off")
    (blocks,) = struct.unpack_from("<I", descriptor, 80)
    (block_bytes,) = struct.unpack_from("<H", descriptor, 128)
    if blocks * block_bytes > size_bytes:
        raise _truncated("it is shorter than its contents")


def _partition_end(head: bytes) -> int:
    """The byte behind the last partition; 0 without a partition table."""
    if len(head) < 2 * _SECTOR or head[510:512] != _MBR_SIGNATURE:
        return 0
    entries = [struct.unpack_from("<B3xB3xII", head, _MBR_ENTRIES + 16 * n) for n in range(4)]
    if any(flag not in (0, 0x80) for flag, _, _, _ in entries):
        return 0  # a boot sector of a file system, not of a partitioned disk
    if any(kind == _PROTECTIVE for _, kind, _, _ in entries):
        return _gpt_end(head[_SECTOR:])
    return max((start + count) * _SECTOR if kind else 0 for _, kind, start, count in entries)


def _gpt_end(header: bytes) -> int:
    if not header.startswith(b"EFI PART"):
        return 0
    (last_usable,) = struct.unpack_from("<Q", header, 48)
    return int(last_usable + 1) * _SECTOR


def _truncated(why: str) -> ImageError:
    return ImageError(
        f"This image is truncated: {why}.",
        remedy="Copy or download it again, and compare its checksum.",
        code="image.truncated",
    )
