"""Reads a qcow2 header without QEMU, and refuses what could reach beyond its own file.

Format: https://www.qemu.org/docs/master/interop/qcow2.html
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from castalia.errors import ImageError
from castalia.images.sniff import QCOW

_FIXED = struct.Struct(">4sIQIIQIIQQIIQ")
_VERSION_3 = struct.Struct(">QQQII")
_EXTENSION = struct.Struct(">II")
_DIRTY, _CORRUPT, _EXTERNAL_DATA = 1 << 0, 1 << 1, 1 << 2
_COMPRESSION_TYPE, _EXTENDED_L2 = 1 << 3, 1 << 4
_KNOWN = _DIRTY | _CORRUPT | _EXTERNAL_DATA | _COMPRESSION_TYPE | _EXTENDED_L2
_END, _BACKING_FORMAT, _DATA_FILE, _CRYPTO = 0, 0xE2792ACA, 0x44415441, 0x0537BE77
_MAX_L1_BYTES = 32 * 1024**2
_MAX_REFCOUNT_BYTES = 8 * 1024**2
_MAX_EXTENSIONS = 64
_FLATTEN = "Make it independent with `qemu-img convert -O qcow2 OLD NEW`, then import NEW."


@dataclass(frozen=True, kw_only=True)
class Qcow2Header:
    """The fields that matter for safety and size."""

    version: int
    virtual_bytes: int
    cluster_bytes: int
    backing_offset: int
    crypt_method: int
    l1_entries: int
    l1_offset: int
    refcount_offset: int
    refcount_clusters: int
    snapshots: int
    incompatible: int
    extensions: tuple[int, ...]


def read_qcow2_header(file: BinaryIO, *, size_bytes: int) -> Qcow2Header:
    """The header of an image that depends on nothing outside of itself.

    Raises ImageError, with the reason and the remedy, for anything else: backing or external data
    file, encryption, internal snapshots, unknown features, tables outside of the file.
    """
    header = _parse(file)
    _refuse_references(header)
    _refuse_features(header)
    _check_tables(header, size_bytes)
    return header


def _parse(file: BinaryIO) -> Qcow2Header:
    file.seek(0)
    fixed = file.read(_FIXED.size)
    if len(fixed) < _FIXED.size:
        raise _broken("its header is cut off")
    magic, version, backing, _, bits, size, crypt, l1, l1_at, ref_at, refs, snaps, _ = (
        _FIXED.unpack(fixed)
    )
    if magic != QCOW or version not in (2, 3):
        raise _broken(f"its version {version} is not 2 or 3")
    if not 9 <= bits <= 21:
        raise _broken("its cluster size is impossible")
    incompatible, length = _version_3(file) if version == 3 else (0, _FIXED.size)
    return Qcow2Header(
        version=version,
        virtual_bytes=size,
        cluster_bytes=1 << bits,
        backing_offset=backing,
        crypt_method=crypt,
        l1_entries=l1,
        l1_offset=l1_at,
        refcount_offset=ref_at,
        refcount_clusters=refs,
        snapshots=snaps,
        incompatible=incompatible,
        extensions=tuple(_extensions(file, length, 1 << bits)),
    )


def _version_3(file: BinaryIO) -> tuple[int, int]:
    """Incompatible features, and where the header ends."""
    rest = file.read(_VERSION_3.size)
    if len(rest) < _VERSION_3.size:
        raise _broken("its header is cut off")
    incompatible, _, _, refcount_order, length = _VERSION_3.unpack(rest)
    if refcount_order > 6 or not _FIXED.size + _VERSION_3.size <= length <= 4096 or length % 8:
        raise _broken("its header contradicts itself")
    return incompatible, length


def _extensions(file: BinaryIO, offset: int, cluster_bytes: int) -> Iterator[int]:
    for _ in range(_MAX_EXTENSIONS):
        file.seek(offset)
        raw = file.read(_EXTENSION.size)
        if len(raw) < _EXTENSION.size:
            raise _broken("its header extensions are cut off")
        kind, length = _EXTENSION.unpack(raw)
        if kind == _END:
            return
        yield kind
        offset += _EXTENSION.size + (length + 7) // 8 * 8
        if offset + _EXTENSION.size > cluster_bytes:
            return
    raise _broken("it has too many header extensions")


def _refuse_references(header: Qcow2Header) -> None:
    if header.backing_offset or _BACKING_FORMAT in header.extensions:
        raise ImageError(
            "This image is only the difference to another file, its backing file.",
            remedy=_FLATTEN,
            code="image.backing-file",
        )
    if header.incompatible & _EXTERNAL_DATA or _DATA_FILE in header.extensions:
        raise ImageError(
            "This image keeps its data in another file.",
            remedy=_FLATTEN,
            code="image.external-data",
        )
    if header.crypt_method or _CRYPTO in header.extensions:
        raise ImageError(
            "This image is encrypted.",
            remedy="Decrypt it with qemu-img convert, and import the result.",
            code="image.encrypted",
        )
    if header.snapshots:
        raise ImageError(
            "This image holds internal snapshots.",
            remedy="Drop them with `qemu-img convert -O qcow2 OLD NEW`, then import NEW.",
            code="image.snapshots",
        )


def _refuse_features(header: Qcow2Header) -> None:
    if unknown := header.incompatible & ~_KNOWN:
        raise ImageError(
            "This image uses qcow2 features that are not known here.",
            remedy="Convert it with the program that made it, for example to raw.",
            code="image.unknown-feature",
            detail=f"incompatible feature bits {unknown:#x}",
        )
    if header.incompatible & (_DIRTY | _CORRUPT):
        raise ImageError(
            "This image was not closed properly, or is marked as damaged.",
            remedy="Repair it with `qemu-img check -r all FILE`, then import it again.",
            code="image.dirty",
        )


def _check_tables(header: Qcow2Header, size_bytes: int) -> None:
    l1_bytes = header.l1_entries * 8
    refcount_bytes = header.refcount_clusters * header.cluster_bytes
    if l1_bytes > _MAX_L1_BYTES or refcount_bytes > _MAX_REFCOUNT_BYTES:
        raise _broken("its tables are larger than QEMU would ever make them")
    entry_bytes = 16 if header.incompatible & _EXTENDED_L2 else 8
    per_l1_entry = header.cluster_bytes * (header.cluster_bytes // entry_bytes)
    if header.l1_entries * per_l1_entry < header.virtual_bytes:
        raise _broken("its tables are too small for its size")
    _check_place(header.l1_offset, l1_bytes, header.cluster_bytes, size_bytes)
    _check_place(header.refcount_offset, refcount_bytes, header.cluster_bytes, size_bytes)


def _check_place(offset: int, length: int, cluster_bytes: int, size_bytes: int) -> None:
    if offset % cluster_bytes or offset == 0:
        raise _broken("its tables are in impossible places")
    if offset + length > size_bytes:
        raise ImageError(
            "This image is truncated: its tables lie behind the end of the file.",
            remedy="Copy or download it again, and compare its checksum.",
            code="image.truncated",
        )


def _broken(why: str) -> ImageError:
    return ImageError(
        f"This is not a usable qcow2 image: {why}.",
        remedy="Look at it with `qemu-img check`, or make it anew.",
        code="image.broken",
    )
