"""Whatever stands in a header: an answer or an ImageError, and never a way out of the file."""

import io
import struct
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import ImageError
from castalia.images.qcow2_header import read_qcow2_header
from castalia.images.sniff import Kind, sniff

CLUSTER = 65536
SIZE = 16 * CLUSTER


def sound_header() -> bytes:
    fixed = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, 1 << 24, 0, 1, CLUSTER, 2 * CLUSTER, 1, 0, 0
    )
    return (fixed + struct.pack(">QQQII", 0, 0, 0, 4, 104)).ljust(CLUSTER, b"\0")


def read(content: bytes):
    return read_qcow2_header(io.BytesIO(content), size_bytes=SIZE)


def test_the_sound_one_is_read():
    assert read(sound_header()).virtual_bytes == 1 << 24


@given(
    st.lists(
        st.tuples(st.integers(4, 160), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
    )
)
def test_what_passes_refers_to_nothing_outside(changes):
    content = bytearray(sound_header())
    for offset, data in changes:
        content[offset : offset + len(data)] = data
    try:
        header = read(bytes(content))
    except ImageError:
        return
    backing_offset, backing_size = struct.unpack_from(">QI", content, 8)
    (incompatible,) = struct.unpack_from(">Q", content, 72)
    assert backing_offset == 0
    assert header.backing_offset == 0 or backing_size == 0
    assert header.version == 2 or not incompatible & ~0b11000
    assert struct.unpack_from(">I", content, 32)[0] == 0
    assert header.l1_offset + header.l1_entries * 8 <= SIZE
    assert 0xE2792ACA not in header.extensions
    assert 0x44415441 not in header.extensions


@given(st.binary(max_size=300))
def test_arbitrary_bytes_behind_the_magic_never_crash(tail):
    with suppress(ImageError):
        read(b"QFI\xfb" + tail)


@given(st.binary(max_size=2000))
def test_every_content_has_a_kind(content):
    kind = sniff(io.BytesIO(content), size_bytes=len(content))
    assert isinstance(kind, Kind)
    assert (kind is Kind.QCOW2) == content.startswith(b"QFI\xfb")
