"""Pictures of screens as PNG, read back by a decoder written from the format's description."""

import struct
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import HypervisorError
from castalia.services.picture import PNG, as_png

PPM = "image/x-portable-pixmap"


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", png, at + 8 + length)
        assert checksum == zlib.crc32(kind + data)
        yield kind, data
        at += 12 + length


def decoded(png: bytes) -> tuple[int, int, bytes]:
    """Width, height, and the pixels of a PNG that has no filters."""
    parts = list(chunks(png))
    assert [kind for kind, _ in parts] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", parts[0][1])
    assert rest == [8, 2, 0, 0, 0]
    rows = zlib.decompress(parts[1][1])
    size = 1 + 3 * width
    lines = [rows[at : at + size] for at in range(0, len(rows), size)]
    assert all(line[0] == 0 for line in lines)
    return width, height, b"".join(line[1:] for line in lines)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_picture_keeps_its_pixels(width: int, height: int, data: st.DataObject) -> None:
    size = 3 * width * height
    pixels = data.draw(st.binary(min_size=size, max_size=size))
    ppm = f"P6\n{width} {height}\n255\n".encode() + pixels
    assert decoded(as_png(ppm, PPM)) == (width, height, pixels)


def test_comments_in_the_header_are_skipped() -> None:
    assert decoded(as_png(b"P6\n# QEMU\n1 1\n255\nabc", PPM)) == (1, 1, b"abc")


def test_a_png_is_left_alone() -> None:
    png = as_png(b"P6\n1 1\n255\nabc", PPM)
    assert as_png(png, PNG) is png


@pytest.mark.parametrize(
    "broken",
    [b"", b"P6\n2 2\n255\nabc", b"P5\n1 1\n255\na", b"P6\n1 1\n65535\nabcdef", b"P6\n0 5\n255\n"],
)
def test_what_is_no_whole_picture_is_refused(broken: bytes) -> None:
    with pytest.raises(HypervisorError, match="picture"):
        as_png(broken, PPM)
    with pytest.raises(HypervisorError, match="picture"):
        as_png(broken, PNG)
