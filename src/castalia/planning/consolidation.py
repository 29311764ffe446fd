"""Which hosts a pool can do without while little is asked of it, and which it needs back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from castalia.planning.admission import losses
from castalia.planning.balance import Move
from castalia.planning.facts import Candidate, Resident, grouped
from castalia.planning.placement_many import place_all
from castalia.planning.rules import PoolRules

_GROWTH, _CALM_GROWTH = 1.25, 1.5
"""How much CPU use may grow before hosts are switched on, and what it must be able to grow by after
one is switched off: the distance keeps hosts from being switched on and off in turns."""


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A host to switch off once `moves` are done in order, or to switch on (no moves). `reason` is
    a sentence's end."""

    host_id: str
    host_name: str
    code: str
    reason: str
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Pool:
    hosts: tuple[Candidate, ...]
    residents: tuple[Resident, ...]


def plan_switch_off(
    hosts: Iterable[Candidate],
    residents: Iterable[Resident],
    *,
    rules: PoolRules | None = None,
    keep: int = 2,
) -> tuple[Switch, ...]:
    """Hosts to empty and switch off, the least used first, with their moves in order.

    The rest, at least `keep` hosts, can still lose any one of them, carries no more vCPUs than
    overcommit allows, and uses at most the pool's `busy_share` of each host's CPUs. A pool that
    could not lose a host before loses none.
    """
    given, present = rules or PoolRules(), tuple(residents)
    pool = _Pool(hosts=tuple(grouped(hosts, present)), residents=present)
    switches: list[Switch] = []
    for host in sorted(pool.hosts, key=lambda one: (_used_mib(one), one.host_id)):
        if not host.usable or sum(one.usable for one in pool.hosts) <= keep:
            continue
        found = _without(pool, host.host_id, given)
        if found is not None:
            pool, switch = found
            switches.append(switch)
    return tuple(switches)


def _used_mib(host: Candidate) -> int:
    return host.memory_mib - host.memory_free_mib


def _without(pool: _Pool, host_id: str, rules: PoolRules) -> tuple[_Pool, Switch] | None:
    """The pool once the host is empty and off; None if it must stay."""
    host = next(one for one in pool.hosts if one.host_id == host_id)
    leaving = [r for r in pool.residents if r.host_id == host_id]
    if not all(_may_move(resident, rules) for resident in leaving):
        return None
    rest = [one for one in pool.hosts if one.host_id != host_id]
    if any(_is_torn(resident, pool.residents) for resident in leaving):
        return None
    answers = place_all([resident.demand for resident in leaving], rest, rules=rules)
    if not all(answer.host_id for answer in answers):
        return None
    goals = [answer.host_id for answer in answers]
    after = _moved(pool, host_id, leaving, goals)
    if not _acceptable(after, set(goals), rules):
        return None
    moves = tuple(
        _move(resident, host, next(one for one in rest if one.host_id == goal), rules)
        for resident, goal in zip(leaving, goals, strict=True)
    )
    reason = f"can be switched off after {len(moves)} moves; the others keep room for a failure"
    code = "consolidation.not-needed"
    switch = Switch(host_id=host_id, host_name=host.name, code=code, reason=reason, moves=moves)
    return after, switch


def _may_move(resident: Resident, rules: PoolRules) -> bool:
    moved_s_ago = resident.moved_s_ago
    return not resident.pinned and (moved_s_ago is None or moved_s_ago >= rules.cool_down_s)


def _is_torn(resident: Resident, residents: Iterable[Resident]) -> bool:
    """Whether moving the VM alone would part it from VMs that it must share a host with."""
    groups = resident.demand.together
    return bool(groups) and any(
        other.vm_id != resident.vm_id and other.demand.together & groups for other in residents
    )


def _moved(pool: _Pool, host_id: str, leaving: Sequence[Resident], goals: Sequence[str]) -> _Pool:
    hosts = {one.host_id: one for one in pool.hosts}
    places = {resident.vm_id: goal for resident, goal in zip(leaving, goals, strict=True)}
    for resident, goal in zip(leaving, goals, strict=True):
        hosts[host_id] = hosts[host_id].without_vm(resident.demand)
        hosts[goal] = hosts[goal].with_vm(resident.demand)
    hosts[host_id] = replace(hosts[host_id], up=False)
    residents = tuple(
        replace(r, host_id=places[r.vm_id], moved_s_ago=0.0) if r.vm_id in places else r
        for r in pool.residents
    )
    return _Pool(hosts=tuple(hosts.values()), residents=residents)


def _acceptable(pool: _Pool, goals: set[str], rules: PoolRules) -> bool:
    """Calm enough that nothing has to be switched on again soon."""
    fuller = [host for host in pool.hosts if host.host_id in goals]
    calm = all(
        host.cpu_used <= host.cpus * rules.busy_share
        and host.vcpus_used <= host.cpus * rules.cpu_overcommit
        for host in fuller
    )
    running = [host for host in pool.hosts if host.usable]
    return calm and _short(running, pool.residents, rules, _CALM_GROWTH) is None


def _move(resident: Resident, source: Candidate, target: Candidate, rules: PoolRules) -> Move:
    return Move.of(
        resident,
        source,
        target,
        rules=rules,
        code="consolidation.empty",
        reason=f"{source.name} is to be switched off",
    )


def plan_switch_on(
    hosts: Iterable[Candidate],
    off: Iterable[Candidate],
    residents: Iterable[Resident],
    *,
    rules: PoolRules | None = None,
    growth: float = _GROWTH,
) -> tuple[Switch, ...]:
    """Hosts of `off` (as they will be: up and empty) to switch on before they are needed.

    Needed they are when CPU use times `growth` fills the pool beyond its `busy_share`, or when the
    pool could not lose a host: the smallest that suffices, otherwise the largest and one more.
    """
    given, present = rules or PoolRules(), tuple(residents)
    running = [host for host in hosts if host.usable]
    waiting = sorted(off, key=lambda host: (host.cpus, host.memory_mib, host.host_id))
    switches: list[Switch] = []
    while waiting and (why := _short(running, present, given, growth)):
        enough = (h for h in waiting if not _short([*running, h], present, given, growth))
        chosen = next(enough, waiting[-1])
        waiting.remove(chosen)
        running.append(chosen)
        code, reason = why
        switches.append(
            Switch(host_id=chosen.host_id, host_name=chosen.name, code=code, reason=reason)
        )
    return tuple(switches)


def _short(
    hosts: Sequence[Candidate], residents: Sequence[Resident], rules: PoolRules, growth: float
) -> tuple[str, str] | None:
    used, cpus = sum(host.cpu_used for host in hosts), sum(host.cpus for host in hosts)
    if used * growth > cpus * rules.busy_share:
        reason = f"is needed: {used:.1f} of {cpus} CPUs are busy, and it may become more"
        return "consolidation.cpu-needed", reason
    lost = next((x for x in losses(hosts, residents, rules=rules) if not x.survivable), None)
    if lost is None:
        return None
    reason = f"is needed: if {lost.host_name} failed, not every VM would find room"
    return "consolidation.spare-needed", reason
