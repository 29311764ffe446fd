"""Remembers beside a partial download what it is a part of, to go on with after a restart."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FetchState:
    """What the server said about the file of which a part is here.

    `validator` is a strong ETag or a date: only with one may a rest be asked for, because the
    server then says if the file has changed.
    """

    url: str
    validator: str = ""
    size_bytes: int = -1

    @classmethod
    def of(cls, partial: Path, *, url: str) -> "FetchState":
        """The state of an earlier attempt at the same URL, or an empty one."""
        try:
            state = cls(**json.loads(_place(partial).read_text()))
        except (OSError, ValueError, TypeError):
            return cls(url=url)
        return state if state.url == url else cls(url=url)

    def save(self, partial: Path) -> None:
        """Writes it in one step: half a state would be worse than none."""
        place = _place(partial)
        scratch = place.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(self)))
        scratch.replace(place)

    def resume_from(self, partial: Path) -> int:
        """How many bytes are here already and may be kept."""
        if not self.validator or not partial.is_file():
            return 0
        size = partial.stat().st_size
        return size if self.size_bytes < 0 or size <= self.size_bytes else 0


def forget(partial: Path) -> None:
    """Removes the partial file and its state."""
    partial.unlink(missing_ok=True)
    _place(partial).unlink(missing_ok=True)


def partial_of(destination: Path) -> Path:
    """Where a download to `destination` collects its bytes."""
    return destination.with_name(f".{destination.name}.part")


def _place(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def durable(path: Path) -> None:
    """Waits until the file's bytes are on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
