"""What stands on the first page."""

from dataclasses import dataclass

from castalia.model.event import Event, Severity
from castalia.model.job import Job


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that somebody should look at. `link` is the path of the page where it can be
    mended."""

    severity: Severity
    text: str
    remedy: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What all reachable hosts have, and what is in use."""

    cpus: int = 0
    cpu_fraction: float = 0.0
    memory_mib: int = 0
    memory_used_mib: int = 0
    storage_bytes: int = 0
    storage_used_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Health, capacity, what needs attention, what is going on. Counts are by state."""

    hosts: dict[str, int]
    vms: dict[str, int]
    templates: int
    capacity: Capacity
    attention: tuple[Attention, ...]
    jobs: tuple[Job, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A search result. `noun` is vm, host, template, network, repository or job."""

    noun: str
    id: str
    name: str
    detail: str = ""
