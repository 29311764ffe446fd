"""What is written down of a lab, so that another process can take it over or clear it away."""

import json
import os
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from castalia.errors import NotFound
from castalia.lab import record


@dataclass(frozen=True, kw_only=True)
class LabRecord:
    """A lab. `hosts` are all that may exist in part; `owner` is as in a host's record."""

    name: str
    owner: str
    subnet: str
    leases: bool
    hosts: tuple[str, ...] = ()

    @property
    def network(self) -> IPv4Network:
        """The lab's network."""
        return IPv4Network(self.subnet)

    @property
    def orphaned(self) -> bool:
        """Whether the owning process is gone."""
        return record.is_gone(self.owner)

    def with_hosts(self, hosts: tuple[str, ...]) -> "LabRecord":
        """The same with these hosts too."""
        added = tuple(host for host in hosts if host not in self.hosts)
        return replace(self, hosts=(*self.hosts, *added))


def file_of(directory: Path) -> Path:
    """Where the record of the lab with that directory is."""
    return directory / "lab.json"


def save(lab: LabRecord, directory: Path) -> None:
    """Writes it down before anything of it is made: nothing may exist unrecorded."""
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    partial = directory / f".lab.{os.getpid()}"
    partial.write_text(json.dumps(asdict(lab)))
    partial.rename(file_of(directory))


def load(directory: Path) -> LabRecord:
    """The record of the lab with that directory. Raises NotFound."""
    try:
        data: dict[str, Any] = json.loads(file_of(directory).read_text())
    except FileNotFoundError as error:
        remedy = "Make it first: castalia lab up"
        raise NotFound(f"There is no lab {directory.name!r}.", remedy=remedy) from error
    return LabRecord(**{**data, "hosts": tuple(data["hosts"])})
