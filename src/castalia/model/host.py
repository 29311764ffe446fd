"""Hosts: servers with a hypervisor."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from castalia.model.capabilities import Capabilities


class HostState(StrEnum):
    """Whether the manager can talk to a host."""

    CONNECTING = "connecting"
    UP = "up"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What a host says of itself when it is asked once; changes rarely."""

    hostname: str
    arch: str
    cpus: int
    cpu_model: str
    sockets: int
    cores: int
    threads: int
    numa_nodes: int
    memory_mib: int
    hypervisor_version: str
    libvirt_version: str
    capabilities: Capabilities


@dataclass(frozen=True, kw_only=True)
class HostLoad:
    """What a host is doing now. `cpu_fraction` is 0..1 over all CPUs."""

    cpu_fraction: float
    memory_used_mib: int
    memory_free_mib: int


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host as the manager knows it. `revision` grows with every change and guards edits."""

    id: str
    name: str
    uri: str
    state: HostState
    state_reason: str = ""
    facts: HostFacts | None = None
    load: HostLoad | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    vm_count: int = 0
    running_count: int = 0
    created_at: datetime
    seen_at: datetime | None = None
    revision: int = 1

    @property
    def memory_committed_mib(self) -> int:
        """Memory in use as far as known, in MiB."""
        return self.load.memory_used_mib if self.load else 0


@dataclass(frozen=True, kw_only=True)
class HostChange:
    """A host's record before it is known: what `host add` was told. Without a name it gets the
    host's own."""

    uri: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class HostEdit:
    """New values for a host; None leaves a value as it is."""

    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
