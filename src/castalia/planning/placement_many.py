"""Several VMs placed at once: a host that is emptied or has failed, or many VMs that are created.

Biggest first, each seeing those before it (first-fit decreasing and its relatives: Johnson,
"Near-Optimal Bin Packing Algorithms", 1973). VMs that must share a host are placed as one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from castalia.planning.facts import Candidate, Demand
from castalia.planning.placement import Placement, Score, placed, score, tight_score
from castalia.planning.refusals import Refusal, fixed_obstacle, homes_of
from castalia.planning.rules import PoolRules

_Rank = Callable[[Demand, Candidate, PoolRules], Score]


def place_all(
    demands: Sequence[Demand], hosts: Iterable[Candidate], *, rules: PoolRules | None = None
) -> tuple[Placement, ...]:
    """A host for each VM, in the order of `demands`; those without one say why for every host.

    Spread out if that places all of them; otherwise packed tightly if that places more.
    """
    pool, given = list(hosts), rules or PoolRules()
    spread = _all_placed(demands, pool, given, score)
    if _placed_mib(spread) == sum(demand.memory_mib for demand in demands):
        return spread
    packed = _all_placed(demands, pool, given, tight_score)
    return max(spread, packed, key=_placed_mib)


def _placed_mib(placements: Iterable[Placement]) -> int:
    return sum(placement.demand.memory_mib for placement in placements if placement.host_id)


def _all_placed(
    demands: Sequence[Demand], hosts: Sequence[Candidate], rules: PoolRules, rank: _Rank
) -> tuple[Placement, ...]:
    pool = {host.host_id: host for host in hosts}
    answers: dict[int, Placement] = {}
    bundles = [(numbers, _merged([demands[n] for n in numbers])) for numbers in _bundles(demands)]
    for numbers, whole in sorted(bundles, key=lambda bundle: _size(bundle[1]), reverse=True):
        members = [demands[number] for number in numbers]
        answer = _bundle_placed(members, whole, list(pool.values()), rules, rank)
        for number in numbers:
            answers[number] = replace(answer, demand=demands[number])
            if answer.host_id:
                pool[answer.host_id] = pool[answer.host_id].with_vm(demands[number])
    return tuple(answers[number] for number in range(len(demands)))


def _size(demand: Demand) -> tuple[int, int, str]:
    return demand.memory_mib, demand.vcpus, demand.name


def _bundles(demands: Sequence[Demand]) -> list[list[int]]:
    """Numbers of the VMs that must share a host, directly or through others."""
    bundles: list[tuple[set[str], list[int]]] = []
    for number, demand in enumerate(demands):
        groups, numbers = set(demand.together), [number]
        joined = [bundle for bundle in bundles if bundle[0] & groups]
        for bundle in joined:
            groups |= bundle[0]
            numbers = [*bundle[1], *numbers]
            bundles.remove(bundle)
        bundles.append((groups, sorted(numbers)))
    return [numbers for _, numbers in bundles]


def _merged(members: Sequence[Demand]) -> Demand:
    """One demand that stands for all of them; what each asks of the machine is left out."""
    if len(members) == 1:
        return members[0]
    return Demand(
        name=min(member.name for member in members),
        memory_mib=sum(member.memory_mib for member in members),
        vcpus=sum(member.vcpus for member in members),
        cpu_demand=sum(member.cpu_demand for member in members),
        together=_union(member.together for member in members),
        apart=_union(member.apart for member in members),
        prefer_together=_union(member.prefer_together for member in members),
        prefer_apart=_union(member.prefer_apart for member in members),
    )


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _bundle_placed(
    members: Sequence[Demand],
    whole: Demand,
    hosts: Sequence[Candidate],
    rules: PoolRules,
    rank: _Rank,
) -> Placement:
    if clash := _contradiction(members):
        return _nowhere(whole, hosts, clash)
    found = {host.host_id: _first_obstacle(members, host) for host in hosts}
    refused = [refusal for refusal in found.values() if refusal]
    possible = [host for host in hosts if found[host.host_id] is None]
    answer = placed(whole, possible, rules, homes=homes_of(whole, hosts), rank=rank)
    return replace(answer, others=(*answer.others, *refused))


def _first_obstacle(members: Iterable[Demand], host: Candidate) -> Refusal | None:
    obstacles = (fixed_obstacle(member, host) for member in members)
    return next((refusal for refusal in obstacles if refusal), None)


def _contradiction(members: Sequence[Demand]) -> str:
    """A group that keeps VMs apart which others bind together; empty if there is none."""
    seen: set[str] = set()
    for member in members:
        if twice := seen & member.apart:
            return min(twice)
        seen |= member.apart
    return ""


def _nowhere(whole: Demand, hosts: Iterable[Candidate], group: str) -> Placement:
    reason = f"cannot take them: {group} keeps VMs apart that must share a host"
    refusals = [
        Refusal(
            host_id=host.host_id, host_name=host.name, code="affinity.contradiction", reason=reason
        )
        for host in hosts
    ]
    return Placement(demand=whole, code="affinity.contradiction", others=tuple(refusals))
