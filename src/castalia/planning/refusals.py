"""Why a host cannot take a VM: the hard rules, in the order in which users should hear of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from castalia.planning.facts import Candidate, Demand
from castalia.planning.rules import PoolRules


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a host was not chosen. `code` is stable and made for programs; `reason` goes on after the
    host's name. `fits` is true if the host could have taken the VM and another was better."""

    host_id: str
    host_name: str
    code: str
    reason: str
    fits: bool = False


_Finding = tuple[str, str] | None
"""A code and a reason, or nothing to say."""


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _state(demand: Demand, host: Candidate) -> _Finding:
    if not host.up:
        return "host.unreachable", "is not reachable"
    if host.maintenance:
        return "host.maintenance", "is in maintenance"
    if host.host_id in demand.not_hosts:
        return "host.excluded", "is to be left"
    if demand.host not in ("", host.host_id, host.name):
        return "host.not-asked-for", f"was not asked for: it must be {demand.host}"
    return None


def _machine(demand: Demand, host: Candidate) -> _Finding:
    if demand.arch and host.arch != demand.arch:
        return "host.arch", f"is {host.arch}, the VM needs {demand.arch}"
    if missing := demand.cpu_features - host.cpu_features:
        return "host.cpu-features", f"has a CPU without {_named(missing)}"
    if demand.mode and demand.mode not in host.modes:
        return "host.mode", f"cannot run VMs in mode {demand.mode}"
    return None


def _reach(demand: Demand, host: Candidate) -> _Finding:
    if missing := demand.networks - host.networks:
        return "host.network", f"has no network {_named(missing)}"
    if missing := demand.repositories - host.repositories:
        return "host.storage", f"does not reach repository {_named(missing)}"
    return None


def _tags(demand: Demand, host: Candidate) -> _Finding:
    if missing := demand.tags_required - host.tags:
        return "host.tag-missing", f"has no tag {_named(missing)}"
    if present := demand.tags_forbidden & host.tags:
        return "host.tag-forbidden", f"has the tag {_named(present)}, which the VM avoids"
    return None


def _memory(demand: Demand, host: Candidate, rules: PoolRules) -> _Finding:
    free_mib = host.memory_free_mib - rules.memory_reserve_mib
    if demand.memory_mib <= free_mib:
        return None
    has = f"has {max(free_mib, 0)} MiB free for VMs"
    return "capacity.memory", f"{has}, the VM needs {demand.memory_mib} MiB"


def _apart(demand: Demand, host: Candidate) -> _Finding:
    if held := [group for group in demand.apart if host.groups.get(group, 0) > 0]:
        return "affinity.apart", f"runs a VM of {_named(held)} already, and they are kept apart"
    return None


_FIXED: tuple[Callable[[Demand, Candidate], _Finding], ...] = (_state, _machine, _reach, _tags)


def _refusal(host: Candidate, finding: _Finding) -> Refusal | None:
    if finding is None:
        return None
    code, reason = finding
    return Refusal(host_id=host.host_id, host_name=host.name, code=code, reason=reason)


def fixed_obstacle(demand: Demand, host: Candidate) -> Refusal | None:
    """What keeps the VM from the host however empty it is; None if nothing does."""
    for rule in _FIXED:
        if finding := rule(demand, host):
            return _refusal(host, finding)
    return None


Homes = tuple[frozenset[str], ...]
"""For each group that a VM must share a host with: the ids of the hosts where it runs already."""


def obstacle(
    demand: Demand, host: Candidate, rules: PoolRules, *, homes: Homes = ()
) -> Refusal | None:
    """What keeps the VM from the host now; None if nothing does. `homes` comes from `homes_of`."""
    if fixed := fixed_obstacle(demand, host):
        return fixed
    if any(host.host_id not in home for home in homes):
        reason = f"is not where the other VMs of {_named(demand.together)} are"
        return _refusal(host, ("affinity.together", reason))
    return _refusal(host, _apart(demand, host) or _memory(demand, host, rules))


def homes_of(demand: Demand, hosts: Iterable[Candidate]) -> Homes:
    """Where the groups run that the VM must share a host with; groups that run nowhere are left
    out. Hosts that are down do not count: what was on them runs nowhere."""
    if not demand.together:
        return ()
    living = [host for host in hosts if host.up]
    homes = (
        frozenset(host.host_id for host in living if host.groups.get(group, 0) > 0)
        for group in sorted(demand.together)
    )
    return tuple(home for home in homes if home)
