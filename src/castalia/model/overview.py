"""The whole at a glance: counts, capacity, what needs attention, and what a search found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from castalia.model.event import Severity


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many there are of each noun; cheap enough to ask for with every page."""

    vms: int = 0
    hosts: int = 0
    templates: int = 0
    repositories: int = 0
    networks: int = 0
    active_jobs: int = 0


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that is wrong with an object and what to do about it. `verb`, when set, is the
    action on the subject that mends it."""

    severity: Severity
    subject: str
    subject_name: str
    text: str
    remedy: str = ""
    verb: str = ""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Capacity and use of all hosts and repositories that answer, and VMs and hosts by state."""

    counts: Counts
    vms_by_state: Mapping[str, int] = field(default_factory=dict)
    hosts_by_state: Mapping[str, int] = field(default_factory=dict)
    cpus: int = 0
    cpu_fraction: float = 0.0
    vcpus_running: int = 0
    memory_mib: int = 0
    memory_used_mib: int = 0
    storage_bytes: int = 0
    storage_used_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """One hit of a search over all nouns."""

    noun: str
    id: str
    name: str
    detail: str = ""
    state: str = ""
