"""What the first bytes of an image say about it.

Source: "Header" in QEMU's docs/interop/qcow2.txt; ISO 9660 puts CD001 at byte 32769.
"""

import struct
from dataclasses import dataclass

from castalia.model.storage import VolumeFormat

HEADER_BYTES = 32774
"""So many bytes from the beginning are enough."""

_QCOW2 = struct.Struct(">4sIQIIQ")
_QCOW2_MAGIC = b"QFI\xfb"
_QCOW2_FEATURES_AT, _EXTERNAL_DATA_FILE = 72, 1 << 2
_ISO_AT, _ISO_MAGIC = 32769, b"CD001"


@dataclass(frozen=True, kw_only=True)
class ImageHeader:
    """An image's format, the size of the disk in it, and whether it needs another file."""

    format: VolumeFormat
    capacity_bytes: int
    linked: bool = False


def read_header(start: bytes, *, size_bytes: int) -> ImageHeader:
    """The header in `start`, the first bytes of an image file of `size_bytes`; never fails: what is
    nothing else is raw."""
    if start.startswith(_QCOW2_MAGIC) and len(start) >= _QCOW2.size:
        _magic, _version, backing_at, _backing_length, _bits, size = _QCOW2.unpack_from(start)
        return ImageHeader(
            format=VolumeFormat.QCOW2,
            capacity_bytes=size,
            linked=backing_at != 0 or _has_data_file(start),
        )
    iso = start[_ISO_AT : _ISO_AT + len(_ISO_MAGIC)] == _ISO_MAGIC
    format = VolumeFormat.ISO if iso else VolumeFormat.RAW
    return ImageHeader(format=format, capacity_bytes=size_bytes)


def _has_data_file(start: bytes) -> bool:
    """Whether the guest's data are in a second file (an incompatible feature of version 3)."""
    version = int.from_bytes(start[4:8], "big")
    features = int.from_bytes(start[_QCOW2_FEATURES_AT : _QCOW2_FEATURES_AT + 8], "big")
    return version > 2 and bool(features & _EXTERNAL_DATA_FILE)
