"""What every template builder offers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from castalia.images.command import Check, Progress


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """A finished template disk. `packages` says which versions are in it."""

    path: Path
    format: str = "qcow2"
    virtual_bytes: int
    size_bytes: int
    sha256: str
    packages: dict[str, str] = field(default_factory=dict)


class TemplateBuilder(Protocol):
    """Makes one kind of template disk out of a distribution's packages.

    `min_memory_mib` is what a VM of it needs at least; `default_user` is whom seeds create when
    they name nobody.
    """

    @property
    def name(self) -> str:
        """What users type: `micro`."""

    @property
    def title(self) -> str:
        """What users read."""

    @property
    def os(self) -> str:
        """The operating system inside, for lists and icons."""

    @property
    def default_user(self) -> str:
        """The account that a seed creates when it names none."""

    @property
    def min_memory_mib(self) -> int:
        """A VM of this template needs at least this much memory, in MiB."""

    def fingerprint(self) -> str:
        """Changes whenever the builder would make another disk out of the same packages."""

    def build(
        self, destination: Path, *, work_dir: Path, progress: Progress, check: Check
    ) -> BuiltImage:
        """Makes the disk at `destination`, a qcow2 image; a file that was there is replaced at the
        very end.

        `work_dir` holds scratch files, removed again, and a cache of packages, kept. Raises
        ImageError, or what `check` raises; `destination` is then as it was.
        """


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
