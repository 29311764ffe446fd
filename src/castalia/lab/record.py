"""What is written down of a lab host, so that another process can take it over or clear it away."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from castalia.errors import NotFound
from castalia.model.ids import new_uuid


@dataclass(frozen=True, kw_only=True)
class Record:
    """A lab host. `owner` is the process without which the host is a left-over; empty for none."""

    name: str
    uuid: str
    owner: str
    cgroups: tuple[str, ...]

    @property
    def groups(self) -> list[Path]:
        """The directories of the host's cgroups."""
        return [Path(group) for group in self.cgroups]

    @property
    def orphaned(self) -> bool:
        """Whether the owning process is gone."""
        return is_gone(self.owner)


def new(name: str, *, owner: str, groups: list[Path], uuid: str = "") -> Record:
    """A record for a host that is about to be made; `uuid` is its old one, if it had a life
    before."""
    names = tuple(str(group) for group in groups)
    return Record(name=name, uuid=uuid or new_uuid(), owner=owner, cgroups=names)


def this_process() -> str:
    """The owner to name when a host shall not outlive this process for long."""
    return _identity(str(os.getpid()))


def is_gone(owner: str) -> bool:
    """Whether there is such an owner no more; without one, nobody can be gone."""
    return bool(owner) and owner != _identity(owner.partition("@")[0])


def _identity(pid: str) -> str:
    """A process id and the moment of its start, since ids are used again; `@-` for a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return f"{pid}@-"
    state, *fields = stat.rpartition(")")[2].split()
    return f"{pid}@-" if state in "ZX" else f"{pid}@{fields[18]}/{socket.gethostname()}"


def file_of(directory: Path) -> Path:
    """Where the record of the host with that state directory is."""
    return directory.with_name(f"{directory.name}.json")


def save(record: Record, directory: Path) -> None:
    """Writes it down before anything else of the host is made: nothing may exist unrecorded."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(record)))
    partial.rename(file_of(directory))


def load(directory: Path) -> Record:
    """The record of the host with that state directory. Raises NotFound."""
    try:
        data = json.loads(file_of(directory).read_text())
    except FileNotFoundError as error:
        remedy = "See `castalia lab list` for those that there are."
        raise NotFound(f"There is no lab host {directory.name!r}.", remedy=remedy) from error
    return Record(**{**data, "cgroups": tuple(data["cgroups"])})
