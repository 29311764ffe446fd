"""What an image's first bytes say."""

import struct

import pytest

from castalia.model.storage import VolumeFormat
from castalia.storage.image_header import read_header


def qcow2(*, version=3, backing_at=0, features=0):
    start = struct.pack(">4sIQIIQ", b"QFI\xfb", version, backing_at, 0, 16, 5 << 30)
    return start + bytes(72 - len(start)) + struct.pack(">Q", features) + bytes(200)


def test_a_qcow2_image_names_its_disk_size():
    header = read_header(qcow2(), size_bytes=196_608)
    assert (header.format, header.capacity_bytes) == (VolumeFormat.QCOW2, 5 << 30)
    assert not header.linked


@pytest.mark.parametrize(
    ("image", "linked"),
    [
        (qcow2(backing_at=600), True),
        (qcow2(features=1 << 2), True),
        (qcow2(features=1 << 0), False),
        (qcow2(version=2, features=1 << 2), False),
    ],
    ids=["backing file", "data file", "dirty", "version 2 has no features"],
)
def test_an_image_that_needs_another_file_is_known(image, linked):
    assert read_header(image, size_bytes=len(image)).linked is linked


@pytest.mark.parametrize("start", [b"", b"x" * 600, b"QFI\xfb", b"QFI\xfb\0\0\0\3"])
def test_what_is_nothing_else_is_raw(start):
    header = read_header(start, size_bytes=700)
    assert (header.format, header.capacity_bytes) == (VolumeFormat.RAW, 700)


def test_an_iso_image_is_known_by_its_descriptor():
    start = bytes(32769) + b"CD001"
    assert read_header(start, size_bytes=4096).format is VolumeFormat.ISO
