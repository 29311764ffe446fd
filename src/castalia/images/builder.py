"""What every template builder offers, and which ones there are."""

from pathlib import Path
from typing import Protocol

from castalia.errors import NotFound
from castalia.images.builder_debian import DebianBuilder
from castalia.images.builder_micro import MicroBuilder
from castalia.images.built_image import BuiltImage
from castalia.images.command import Check, Progress


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


def builders() -> dict[str, TemplateBuilder]:
    """All builders by name."""
    every: list[TemplateBuilder] = [MicroBuilder(), DebianBuilder()]
    return {one.name: one for one in every}


def builder(name: str) -> TemplateBuilder:
    """The builder of that name; raises NotFound."""
    known = builders()
    if name not in known:
        remedy = f"Choose one of: {', '.join(sorted(known))}."
        raise NotFound(f"There is no template builder {name!r}.", remedy=remedy)
    return known[name]
