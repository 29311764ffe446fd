"""Fetches Debian packages with the machine's own apt configuration, without installing any.

Nothing of this machine's package state is changed: apt works on its own lists, or, when those are
missing or stale, on private ones below the cache directory. Signatures and checksums are apt's.
"""

import hashlib
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from castalia.errors import ImageError
from castalia.images.command import Check, keep_going, run

_EDGE = re.compile(r"\s*\|?(?:Pre)?Depends: (\S+)")
_OFFLINE = (
    "Check that this machine's apt sources can be reached (`apt-get update`), then build again."
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package in the version that apt would install."""

    name: str
    version: str
    architecture: str
    sha256: str

    @property
    def file_name(self) -> str:
        """What apt calls its file."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


class PackageSource:
    """Packages from the sources that this machine's apt is configured with."""

    def __init__(self, cache_dir: Path, *, check: Check = keep_going) -> None:
        """`cache_dir` keeps downloaded packages from build to build."""
        self._cache_dir = cache_dir
        self._check = check
        self._options: list[str] = []

    def collect(
        self, roots: Sequence[str], *, one_of: Sequence[str], follow: Callable[[str], bool]
    ) -> dict[Package, Path]:
        """The packages `roots`, the first of `one_of` that there is, and what they depend on as far
        as `follow` says yes to a name, with their files.

        What the cache has is not fetched again. Raises ImageError when apt knows no such package,
        or when its sources cannot be reached.
        """
        try:
            return self._collected(roots, one_of, follow)
        except ImageError:
            # The lists may be missing or stale: with fresh ones, versions may be others too.
            self._refresh()
            return self._collected(roots, one_of, follow)

    def _collected(
        self, roots: Sequence[str], one_of: Sequence[str], follow: Callable[[str], bool]
    ) -> dict[Package, Path]:
        there = {package.name for package in self._stanzas(one_of)}
        chosen = next((name for name in one_of if name in there), one_of[0])
        packages = self._resolved([*roots, chosen], follow)
        if missing := [package for package in packages if not self._cached(package)]:
            self._download(missing)
        return {package: self._cache_dir / package.file_name for package in packages}

    def _resolved(self, roots: list[str], follow: Callable[[str], bool]) -> list[Package]:
        names = _closure(roots, self._edges(roots), follow)
        found = {package.name: package for package in self._stanzas(names)}
        if lacking := [name for name in roots if name not in found]:
            raise _unknown(lacking)
        return [found[name] for name in names if name in found]

    def _edges(self, roots: list[str]) -> dict[str, list[str]]:
        only = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
        options = [f"--no-{kind}" for kind in only]
        text = self._apt("apt-cache", "depends", "--recurse", *options, *roots)
        edges: dict[str, list[str]] = {}
        current: list[str] = []
        for line in text.splitlines():
            if match := _EDGE.fullmatch(line):
                current.append(match.group(1))
            elif line and not line.startswith(" "):
                current = edges.setdefault(line, [])
        return edges

    def _stanzas(self, names: Sequence[str]) -> list[Package]:
        return list(_packages(self._apt("apt-cache", "show", "--no-all-versions", *names)))

    def _download(self, packages: Sequence[Package]) -> None:
        """Into a directory of its own first, so that two builds never meet in half a file."""
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache_dir) as scratch:
            pinned = [f"{package.name}={package.version}" for package in packages]
            self._apt("apt-get", "--yes", "download", *pinned, cwd=Path(scratch))
            for package in packages:
                (Path(scratch) / package.file_name).replace(self._cache_dir / package.file_name)

    def _cached(self, package: Package) -> bool:
        path = self._cache_dir / package.file_name
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256

    def _refresh(self) -> None:
        """From here on with package lists of our own, fetched now: the machine's may be missing,
        or older than what the mirror still has."""
        state = self._cache_dir.absolute() / "apt"
        (state / "lists/partial").mkdir(parents=True, exist_ok=True)
        (state / "archives/partial").mkdir(parents=True, exist_ok=True)
        values = {"State": state, "Cache": state, "State::status": Path("/dev/null")}
        self._options = [f"-oDir::{key}={value}" for key, value in values.items()]
        self._apt("apt-get", "update")

    def _apt(self, tool: str, *arguments: str, cwd: Path | None = None) -> str:
        output = run(
            [tool, "--quiet", *self._options, *arguments],
            failure="The packages for the template could not be fetched.",
            remedy=_OFFLINE,
            check=self._check,
            cwd=cwd,
        )
        return output.decode(errors="replace")


def unpack(archives: Iterable[Path], root: Path, *, check: Check = keep_going) -> None:
    """Unpacks package files below `root`, running none of their scripts. Raises ImageError."""
    root.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        failure = f"The package {archive.name} could not be unpacked."
        run(["dpkg-deb", "--extract", archive, root], failure=failure, check=check)


def _closure(
    roots: Iterable[str], edges: dict[str, list[str]], follow: Callable[[str], bool]
) -> list[str]:
    seen: dict[str, None] = {}
    queue = deque(roots)
    while queue:
        name = queue.popleft()
        if name in seen:
            continue
        seen[name] = None
        queue.extend(target for target in edges.get(name, ()) if _plain(target) and follow(target))
    return list(seen)


def _plain(name: str) -> bool:
    """Virtual packages stand in angle brackets, foreign architectures behind a colon."""
    return ":" not in name and not name.startswith("<")


def _packages(text: str) -> Iterator[Package]:
    for stanza in text.split("\n\n"):
        pairs = (line.partition(": ") for line in stanza.splitlines() if line[:1] != " ")
        fields = {key: value for key, _, value in pairs}
        if fields.get("Package"):
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                sha256=fields.get("SHA256", ""),
            )


def _unknown(names: Sequence[str]) -> ImageError:
    return ImageError(
        f"This machine's apt does not know: {', '.join(names)}.",
        remedy="Templates are built out of Debian's or Ubuntu's packages: add such a source to "
        "apt, or import a finished image instead.",
        code="image.package-unknown",
    )
