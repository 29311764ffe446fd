"""libvirt's scaled integers: a number with a unit such as KiB, bytes or GB.

Source: "Memory Allocation" in https://libvirt.org/formatdomain.html: a unit with `iB` or of one
letter is a power of 1024, one with only `B` a power of 1000; case does not matter.
"""

from castalia.errors import InvalidRequest
from castalia.model.amount import KIB, MIB

_LETTERS = "kmgtpe"


def unit_bytes(unit: str, *, default: int = KIB) -> int:
    """The bytes in one `unit`; `default` where none is written. Raises InvalidRequest."""
    word = unit.strip().lower()
    if not word:
        return default
    if word in {"b", "byte", "bytes"}:
        return 1
    power = _LETTERS.find(word[0]) + 1
    base = {"": 1024, "ib": 1024, "b": 1000}.get(word[1:])
    if power and base:
        return int(base**power)
    raise InvalidRequest(
        f"{unit!r} is not a unit.", field="unit", remedy="Use KiB, MiB, GiB or bytes."
    )


def to_bytes(number: str, unit: str = "", *, default: int = KIB) -> int:
    """Bytes of a scaled integer. Raises InvalidRequest for what is none."""
    return whole(number, field="amount") * unit_bytes(unit, default=default)


def to_mib(number: str, unit: str = "", *, default: int = KIB) -> int:
    """MiB of a scaled integer, rounded up as libvirt rounds sizes."""
    return -(-to_bytes(number, unit, default=default) // MIB)


def whole(text: str, *, field: str) -> int:
    """A whole number, decimal or 0x…; raises InvalidRequest naming `field`."""
    stripped = text.strip()
    try:
        return int(stripped, 16) if stripped.lower().startswith("0x") else int(stripped)
    except ValueError as error:
        remedy = "Write a whole number there."
        raise InvalidRequest(
            f"{text!r} is not a number.", field=field, remedy=remedy, detail=str(error)
        ) from error
