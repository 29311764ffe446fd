"""What a pool can lose, and what it can still take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from castalia.planning.facts import Candidate, Demand, Resident, grouped
from castalia.planning.placement import Placement
from castalia.planning.placement_many import place_all
from castalia.planning.refusals import Homes, homes_of, obstacle
from castalia.planning.rules import PoolRules

_MOST = 10_000
"""Beyond this, how many more VMs fit is not counted: nobody waits for the difference."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What happens if one host fails: `stranded` are the VMs that would find no other host."""

    host_id: str
    host_name: str
    stranded: tuple[Placement, ...] = ()

    @property
    def survivable(self) -> bool:
        """Whether every VM that must run would run again."""
        return not self.stranded


def losses(
    hosts: Iterable[Candidate], residents: Iterable[Resident], *, rules: PoolRules | None = None
) -> tuple[Loss, ...]:
    """What losing each host means, alone: a pool is safe against one failure (N+1) if every loss
    is survivable. Hosts that are down already are left out."""
    pool, by_host = _restarting(hosts, residents)
    given = rules or PoolRules()
    return tuple(_loss(host, by_host[host.host_id], pool, given) for host in pool if host.up)


def _restarting(
    hosts: Iterable[Candidate], residents: Iterable[Resident]
) -> tuple[list[Candidate], dict[str, list[Demand]]]:
    """The hosts with their affinity groups, and what must run elsewhere if each fails."""
    present = list(residents)
    pool = grouped(hosts, present)
    by_host: dict[str, list[Demand]] = {host.host_id: [] for host in pool}
    for resident in present:
        if resident.restarts and resident.host_id in by_host:
            by_host[resident.host_id].append(resident.demand)
    return pool, by_host


def _loss(
    host: Candidate, demands: Sequence[Demand], pool: Sequence[Candidate], rules: PoolRules
) -> Loss:
    rest = _others(pool, host)
    stranded: tuple[Placement, ...] = ()
    if not _fit_quickly(demands, rest, rules):
        answers = place_all(demands, rest, rules=rules)
        stranded = tuple(answer for answer in answers if not answer.host_id)
    return Loss(host_id=host.host_id, host_name=host.name, stranded=stranded)


def _fit_quickly(demands: Iterable[Demand], hosts: Sequence[Candidate], rules: PoolRules) -> bool:
    """Whether all fit when each takes the first emptiest host: right when it says yes."""
    pool = sorted(hosts, key=lambda host: -host.memory_free_mib)
    for demand in sorted(demands, key=lambda one: -one.memory_mib):
        homes = homes_of(demand, pool)
        for number, host in enumerate(pool):
            if obstacle(demand, host, rules, homes=homes) is None:
                pool[number] = host.with_vm(demand)
                break
        else:
            return False
    return True


def safe_after_loss(found: Iterable[Loss]) -> bool:
    """Whether the pool survives the loss of any one host."""
    return all(loss.survivable for loss in found)


def room_for(
    demand: Demand,
    hosts: Iterable[Candidate],
    residents: Iterable[Resident] = (),
    *,
    rules: PoolRules | None = None,
    survive_loss: bool = False,
) -> int:
    """How many more VMs like this one the pool takes, at most 10,000, within overcommit.

    With `survive_loss` only so many that the pool then still survives the loss of any one host when
    each VM restarts on the emptiest: a pool that needs tighter packing than that has no room.
    """
    given, present, pool = rules or PoolRules(), list(residents), list(hosts)
    if present:
        pool = grouped(pool, present)
    places = _filled(demand, pool, given)
    if not survive_loss:
        return len(places)
    low, high = 0, len(places)
    while low < high:
        middle = (low + high + 1) // 2
        if _safe_with(demand, places[:middle], pool, present, given):
            low = middle
        else:
            high = middle - 1
    return low


def _filled(demand: Demand, hosts: Sequence[Candidate], rules: PoolRules) -> list[str]:
    """Ids of the hosts that the VMs would go to, the emptiest first each time. A host that refuses
    one VM refuses all that follow, so it is asked no more."""
    pool = {host.host_id: host for host in hosts}
    heap = [(-host.memory_free_mib, host.host_id) for host in hosts]
    heapify(heap)
    homes = homes_of(demand, pool.values())
    taken: list[str] = []
    while heap and len(taken) < _MOST:
        host = pool[heappop(heap)[1]]
        if _refuses(host, demand, rules, homes):
            continue
        pool[host.host_id] = host.with_vm(demand)
        taken.append(host.host_id)
        heappush(heap, (-pool[host.host_id].memory_free_mib, host.host_id))
        if demand.together and len(taken) == 1:
            homes = homes_of(demand, pool.values())
    return taken


def _refuses(host: Candidate, demand: Demand, rules: PoolRules, homes: Homes) -> bool:
    full = host.vcpus_used + demand.vcpus > host.cpus * rules.cpu_overcommit
    return full or obstacle(demand, host, rules, homes=homes) is not None


def _safe_with(
    demand: Demand,
    places: Sequence[str],
    hosts: Sequence[Candidate],
    residents: Sequence[Resident],
    rules: PoolRules,
) -> bool:
    pool = {host.host_id: host for host in hosts}
    more = list(residents)
    for number, host_id in enumerate(places):
        pool[host_id] = pool[host_id].with_vm(demand)
        more.append(Resident(vm_id=f"new-{number}", host_id=host_id, demand=demand))
    full, by_host = _restarting(pool.values(), more)
    return all(
        _fit_quickly(by_host[host.host_id], _others(full, host), rules) for host in full if host.up
    )


def _others(hosts: Iterable[Candidate], host: Candidate) -> list[Candidate]:
    return [other for other in hosts if other.host_id != host.host_id]
