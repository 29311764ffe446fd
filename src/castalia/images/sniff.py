"""Says by its first bytes what an image file is, whatever its name claims."""

from enum import StrEnum
from typing import BinaryIO


class Kind(StrEnum):
    """What a file's content is. Only the first three can become volumes as they are."""

    QCOW2 = "qcow2"
    ISO = "iso"
    RAW = "raw"
    COMPRESSED = "compressed"
    FOREIGN = "foreign"
    ENCRYPTED = "encrypted"
    TEXT = "text"


_ISO_OFFSET = 0x8001
_VDI_OFFSET = 0x40
_HEAD_BYTES = 0x8010
_FOOTER_BYTES = 512
_FOOTERS = (b"conectix", b"koly")
"""Fixed VHD and Apple DMG have their mark in the last sector only."""
_FOREIGN = (
    *(b"KDMV", b"COWD", b"# Disk Descriptor", b"vhdxfile", b"conectix", b"cxsparse", b"QED\0"),
    *(b"WithoutFreeSpace", b"WithouFreSpacExt", b"Bochs Virtual HD Image", b"#!/bin/sh\n#V2.0"),
    *(b"OOOM", b"MComprHD", b"\x7fELF", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!"),
)
_VDI = b"\x7f\x10\xda\xbe"
GZIP, XZ, ZSTD, BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh"
_COMPRESSED = (GZIP, XZ, ZSTD, BZIP2)
_LUKS = b"LUKS\xba\xbe"
QCOW = b"QFI\xfb"


def sniff(file: BinaryIO, *, size_bytes: int) -> Kind:
    """The kind of the open file. Everything that has no mark of another kind counts as raw."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head.startswith(QCOW):
        return Kind.QCOW2
    if head.startswith(_LUKS):
        return Kind.ENCRYPTED
    if head.startswith(_COMPRESSED):
        return Kind.COMPRESSED
    if head.startswith(_FOREIGN) or head[_VDI_OFFSET:].startswith(_VDI):
        return Kind.FOREIGN
    if head[_ISO_OFFSET:].startswith(b"CD001"):
        return Kind.ISO
    file.seek(max(0, size_bytes - _FOOTER_BYTES))
    if file.read(_FOOTER_BYTES).startswith(_FOOTERS):
        return Kind.FOREIGN
    return Kind.TEXT if _is_text(head) else Kind.RAW


def _is_text(head: bytes) -> bool:
    """An error page or a checksum file that was taken for an image; a disk has zeros early."""
    start = head[:512].lstrip()
    return bool(start) and b"\0" not in head and start[:1] in b"<{[#" + _LETTERS


_LETTERS = bytes(range(ord("0"), ord("9") + 1)) + bytes(range(ord("A"), ord("z") + 1))
