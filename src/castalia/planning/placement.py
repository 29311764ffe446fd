"""Which host a new VM goes to, and why not to the others."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MEMORY_RESERVE_MIB = 256
"""Left to the host itself."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a VM needs of its host."""

    memory_mib: int
    vcpus: int
    arch: str = ""
    networks: frozenset[str] = frozenset()
    host: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host that may be chosen."""

    host_id: str
    name: str
    up: bool
    arch: str
    cpus: int
    memory_free_mib: int
    networks: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The answer. `host_id` is empty when no host will do; `refused` maps each host's name to the
    reason."""

    host_id: str = ""
    host_name: str = ""
    reason: str = ""
    refused: dict[str, str] = field(default_factory=dict)


def obstacle(demand: Demand, candidate: Candidate) -> str:
    """Why `candidate` cannot take the VM; empty if it can."""
    if not candidate.up:
        return "is not reachable"
    if demand.arch and candidate.arch != demand.arch:
        return f"is {candidate.arch}, the VM needs {demand.arch}"
    if missing := demand.networks - candidate.networks:
        return f"has no network {', '.join(sorted(missing))}"
    free_mib = candidate.memory_free_mib - MEMORY_RESERVE_MIB
    if demand.memory_mib > free_mib:
        return f"has {max(free_mib, 0)} MiB free for VMs, the VM needs {demand.memory_mib} MiB"
    return ""


def place(demand: Demand, candidates: Iterable[Candidate]) -> Placement:
    """The host with the most free memory among those that can take the VM; a host named in `demand`
    is the only
    one asked."""
    asked = [c for c in candidates if demand.host in ("", c.host_id, c.name)]
    obstacles = {candidate: obstacle(demand, candidate) for candidate in asked}
    refused = {candidate.name: why for candidate, why in obstacles.items() if why}
    fitting = [candidate for candidate, why in obstacles.items() if not why]
    if not fitting:
        return Placement(refused=refused)
    best = max(fitting, key=lambda c: (c.memory_free_mib, c.name))
    most_free = f"has the most free memory ({best.memory_free_mib} MiB)"
    reason = "was asked for" if demand.host else most_free
    return Placement(host_id=best.host_id, host_name=best.name, reason=reason, refused=refused)
