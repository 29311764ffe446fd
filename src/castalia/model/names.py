"""What a name may look like."""

import re

from castalia.errors import InvalidRequest

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.IGNORECASE | re.ASCII)
_TAG = re.compile(r"[a-z0-9][a-z0-9._:=-]{0,62}", re.IGNORECASE | re.ASCII)
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
_NUMBERED = re.compile(r"\{n(?::0?(\d))?\}|%0?(\d?)d")
_DIGITS = re.compile(r"[0-9]+")
_REMEDY = (
    "Use 1 to 63 letters, digits, dots, dashes or underscores, beginning with a letter or digit."
)


def checked_name(name: str, *, field: str = "name") -> str:
    """Returns `name` if VMs, hosts, volumes, templates may be called so.

    Raises InvalidRequest; a path, a leading dot, a blank or a control character never passes.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidRequest(f"{name!r} cannot be a name.", field=field, remedy=_REMEDY)
    return name


def checked_tag(tag: str) -> str:
    """Returns `tag` if objects may be tagged so; raises InvalidRequest otherwise."""
    if not _TAG.fullmatch(tag):
        remedy = "Use 1 to 63 letters, digits, or . _ : = - and begin with a letter or digit."
        raise InvalidRequest(f"{tag!r} cannot be a tag.", field="tags", remedy=remedy)
    return tag


def hostname_from(name: str) -> str:
    """The nearest valid host name for a guest: dots and underscores become dashes."""
    candidate = re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-")
    return candidate if _HOSTNAME.fullmatch(candidate) else "guest"


def numbered_names(pattern: str, *, count: int, start: int = 1) -> list[str]:
    """The names for `count` VMs: `web-{n}`, `web-{n:03}` or `web-%02d`; without a place for it,
    `-N` is appended.

    Raises InvalidRequest when a resulting name is not allowed.
    """
    if count == 1 and not _NUMBERED.search(pattern):
        return [checked_name(pattern)]
    match = _NUMBERED.search(pattern)
    width = int((match.group(1) or match.group(2) or 0) if match else 0)
    numbers = [f"{number:0{width}d}" for number in range(start, start + count)]
    if match is None:
        return [checked_name(f"{pattern}-{number}") for number in numbers]
    before, after = pattern[: match.start()], pattern[match.end() :]
    return [checked_name(before + number + after) for number in numbers]


def natural_key(name: str) -> str:
    """What to sort `name` by, so that web2 comes before web10 and Alpha beside alpha."""
    return _DIGITS.sub(lambda match: match[0].lstrip("0").rjust(12, "0"), name.lower())
