"""Which volume stands on which: the backing chains of a repository as indented rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from castalia.model.storage import Volume


@dataclass(frozen=True, kw_only=True)
class Row:
    """A volume, how deep it stands, and how many stand directly on it."""

    volume: Volume
    depth: int
    children: int


def forest(volumes: Sequence[Volume]) -> list[Row]:
    """Bases first, each followed by what stands on it; a volume whose base is elsewhere counts as
    a base. Chains that bite their tail end where they began."""
    known = {volume.facts.path for volume in volumes}
    below: dict[str, list[Volume]] = defaultdict(list)
    for volume in volumes:
        base = volume.facts.backing_path
        below[base if base in known and base != volume.facts.path else ""].append(volume)
    seen: set[str] = set()

    def walk(base: str, depth: int) -> Iterator[Row]:
        for volume in below.get(base, ()):
            path = volume.facts.path
            if path in seen:
                continue
            seen.add(path)
            yield Row(volume=volume, depth=depth, children=len(below.get(path, ())))
            yield from walk(path, depth + 1)

    rows = list(walk("", 0))
    left = [volume for volume in volumes if volume.facts.path not in seen]
    return rows + [Row(volume=volume, depth=0, children=0) for volume in left]
