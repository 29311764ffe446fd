"""Pictures of screens, as browsers show them: PNG out of what a hypervisor takes (PPM).

Formats: https://netpbm.sourceforge.net/doc/ppm.html, https://www.w3.org/TR/png-3/
"""

import re
import struct
import zlib

from castalia.errors import HypervisorError

PNG = "image/png"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = re.compile(rb"P6\s(?:#[^\n]*\n|\s)*(\d{1,5})\s+(\d{1,5})\s+255\s")
_BYTES_PER_PIXEL = 3
_DEPTH, _RGB = 8, 2


def as_png(picture: bytes, mime: str) -> bytes:
    """The picture as PNG; a PNG is returned as it is. Raises HypervisorError for anything that is
    neither PNG nor a whole binary PPM with 8 bits a colour."""
    if mime == PNG and picture.startswith(_SIGNATURE):
        return picture
    header = _HEADER.match(picture)
    if header is None:
        raise _unknown(mime)
    width, height = int(header[1]), int(header[2])
    row = width * _BYTES_PER_PIXEL
    pixels = memoryview(picture)[header.end() :]
    if not row or not height or len(pixels) < row * height:
        raise _unknown(mime)
    rows = b"".join(b"\0" + pixels[at : at + row] for at in range(0, row * height, row))
    shape = struct.pack(">IIBBBBB", width, height, _DEPTH, _RGB, 0, 0, 0)
    parts = ((b"IHDR", shape), (b"IDAT", zlib.compress(rows, 4)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _unknown(mime: str) -> HypervisorError:
    remedy = "Use the console instead."
    return HypervisorError("The host's picture cannot be shown.", remedy=remedy, detail=mime)
