"""Amounts of memory and storage: from what people write, and to what they read."""

import re

from castalia.errors import InvalidRequest

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4
MAX_VOLUME_BYTES = 64 * TIB
"""Larger volumes are refused: ext4 and qcow2 get unwieldy there, and it is nearly always a mistake
or an attack."""

_UNITS = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": TIB, "p": 1024**5, "e": 1024**6}
_AMOUNT = re.compile(r"\s*(\d{1,20}(?:\.\d{1,20})?)\s*([kmgtpe]?)(?:i?b)?\s*", re.IGNORECASE)


def parse_bytes(text: str | int, *, field: str, default_unit: str = "") -> int:
    """Bytes from `512M`, `2 GiB`, `1.5g` or a number in `default_unit` ("m": MiB). All units are
    binary.

    Raises InvalidRequest naming `field`.
    """
    match = _AMOUNT.fullmatch(str(text))
    if match is None:
        remedy = "Write a number with a unit, for example 512M or 20G."
        raise InvalidRequest(f"{text!r} is not an amount.", field=field, remedy=remedy)
    unit = match.group(2).lower()
    bare = not unit and not str(text).strip().lower().endswith("b")
    return int(float(match.group(1)) * _UNITS[default_unit if bare else unit])


def parse_mib(text: str | int, *, field: str) -> int:
    """MiB from `512M`, `2G`, or a bare number that means MiB. Raises InvalidRequest naming
    `field`."""
    return parse_bytes(text, field=field, default_unit="m") // MIB


def format_bytes(value: float) -> str:
    """`1.5 GiB`: binary unit, at most one decimal, none where it would be zero."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    text = f"{value:.0f}" if unit == "B" or value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{text} {unit}"


def format_mib(value: float) -> str:
    """The same for a number of MiB."""
    return format_bytes(value * MIB)
