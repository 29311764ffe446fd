"""The files of ours that go into guests, and a hash that says whether they changed."""

import hashlib
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable


def content_hash(modules: Iterable[str], *, guest: str = "") -> str:
    """A hash over our own modules and a guest's files: the part of a build that is ours."""
    here = resources.files("castalia.images")
    digest = hashlib.sha256()
    for module in modules:
        digest.update((here / module).read_bytes())
    for path, content in sorted(guest_files(guest).items()) if guest else ():
        digest.update(path.encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def guest_files(guest: str) -> dict[str, bytes]:
    """The files that go into a guest as they are, by their path in it."""
    return dict(_walk(resources.files("castalia.images") / "guest" / guest, ""))


def _walk(directory: Traversable, prefix: str) -> Iterable[tuple[str, bytes]]:
    for entry in directory.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        else:
            yield path, entry.read_bytes()
