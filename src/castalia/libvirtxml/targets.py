"""Names of disks within a VM: vda, sdb, hdaa."""

from collections.abc import Collection

_PREFIXES = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}
_LETTERS = 26


def free_target(bus: str, *, taken: Collection[str]) -> str:
    """The first name for a disk on `bus` that is not taken."""
    prefix = _PREFIXES.get(bus, "sd")
    index = 0
    while (name := prefix + _letters(index)) in taken:
        index += 1
    return name


def _letters(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, _LETTERS)
        text = chr(ord("a") + letter) + text
    return text
