"""Which host a VM goes to, and why not to the others: the one algorithm behind creating VMs,
emptying a host, and restarting VMs after a failure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from castalia.planning.facts import Candidate, Demand
from castalia.planning.refusals import Homes, Refusal, homes_of, obstacle
from castalia.planning.rules import PoolRules


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The answer. `host_id` is empty when no host will do; then `code` is `capacity.host`.

    `reason` goes on after the chosen host's name. `others` says of each host that was not chosen
    why not, those that could have taken the VM first.
    """

    demand: Demand
    host_id: str = ""
    host_name: str = ""
    code: str = "capacity.host"
    reason: str = ""
    others: tuple[Refusal, ...] = ()

    @property
    def refused(self) -> dict[str, str]:
        """The reason of each host that cannot take the VM, by the host's name."""
        return {other.host_name: other.reason for other in self.others if not other.fits}


@dataclass(frozen=True, kw_only=True, order=True)
class Score:
    """How well a VM would be off on a host; more is better. Kept wishes count first: each outweighs
    any difference in room."""

    wishes: int
    room: float
    """Share of memory still free, less CPU pressure beyond half; or how little is left over."""
    tight: bool = False


def score(demand: Demand, host: Candidate, rules: PoolRules) -> Score:
    """How well the VM would be off on the host, which can take it."""
    near = sum(host.groups.get(group, 0) > 0 for group in demand.prefer_together)
    disliked = sum(host.groups.get(group, 0) > 0 for group in demand.prefer_apart)
    after = host.with_vm(demand)
    free_share = after.memory_free_mib / max(host.memory_mib, 1)
    excess = max(cpu_pressure(after, rules) - 0.5, 0.0)
    return Score(wishes=near - disliked, room=free_share - 2 * excess)


def tight_score(demand: Demand, host: Candidate, rules: PoolRules) -> Score:
    """How well the VM fills the host, so that others stay empty for larger VMs."""
    wishes = score(demand, host, rules).wishes
    return Score(wishes=wishes, room=-float(host.memory_free_mib - demand.memory_mib), tight=True)


def cpu_pressure(host: Candidate, rules: PoolRules) -> float:
    """How far the host's CPUs are taken: 1 when either the measured use fills them, or the vCPUs
    reach the pool's overcommit."""
    cpus = max(host.cpus, 1)
    return max(host.cpu_used / cpus, host.vcpus_used / (cpus * rules.cpu_overcommit))


def place(
    demand: Demand, hosts: Iterable[Candidate], *, rules: PoolRules | None = None
) -> Placement:
    """The best host for one VM that runs on none of `hosts` yet.

    >>> host = Candidate(host_id="1", name="h1", cpus=4, memory_mib=8192, memory_free_mib=8000)
    >>> place(Demand(memory_mib=1024, vcpus=1), [host]).host_name
    'h1'
    """
    asked = list(hosts)
    return placed(demand, asked, rules or PoolRules(), homes=homes_of(demand, asked))


def placed(
    demand: Demand,
    hosts: Sequence[Candidate],
    rules: PoolRules,
    *,
    homes: Homes = (),
    rank: Callable[[Demand, Candidate, PoolRules], Score] = score,
) -> Placement:
    """The host that `rank` likes best among those that can take the VM."""
    refused: list[Refusal] = []
    fitting: list[tuple[Score, str, Candidate]] = []
    for host in hosts:
        if refusal := obstacle(demand, host, rules, homes=homes):
            refused.append(refusal)
        else:
            fitting.append((rank(demand, host, rules), host.host_id, host))
    if not fitting:
        return Placement(demand=demand, others=tuple(refused))
    (best_score, _, best), *rest = sorted(fitting, key=lambda f: f[:2], reverse=True)
    code, reason = _why(demand, best, best_score, rest, rules)
    outranked = [_outranked(best, best_score, *other[::2], rules) for other in rest]
    return Placement(
        demand=demand,
        host_id=best.host_id,
        host_name=best.name,
        code=code,
        reason=reason,
        others=(*outranked, *refused),
    )


def _why(
    demand: Demand,
    best: Candidate,
    best_score: Score,
    rest: Sequence[tuple[Score, str, Candidate]],
    rules: PoolRules,
) -> tuple[str, str]:
    """Code and reason of the choice."""
    if demand.host:
        return "chosen.asked-for", "was asked for"
    if not rest:
        return "chosen.only", f"is the only one that can take it ({best.memory_free_mib} MiB free)"
    if best_score.wishes > max(score.wishes for score, _, _ in rest):
        return "chosen.affinity", "suits the affinity groups best"
    if best_score.tight:
        return "chosen.tight", "is filled best by it, which leaves room on others"
    if best.memory_free_mib >= max(host.memory_free_mib for _, _, host in rest):
        return "chosen.memory", f"has the most free memory ({best.memory_free_mib} MiB)"
    busy = round(100 * cpu_pressure(best, rules))
    return "chosen.room", f"has the most room: {best.memory_free_mib} MiB free, CPUs {busy} % taken"


def _outranked(
    best: Candidate, best_score: Score, score: Score, host: Candidate, rules: PoolRules
) -> Refusal:
    if score.wishes < best_score.wishes:
        code, reason = "outranked.affinity", f"suits the affinity groups less than {best.name}"
    elif score == best_score:
        code, reason = "outranked.equal", f"is as good as {best.name}"
    elif best_score.tight:
        code, reason = "outranked.tight", f"would be filled less than {best.name}"
    elif host.memory_free_mib < best.memory_free_mib:
        code = "outranked.memory"
        reason = f"has less free memory than {best.name} ({host.memory_free_mib} MiB)"
    else:
        busy = round(100 * cpu_pressure(host, rules))
        code, reason = "outranked.room", f"has less room than {best.name}: CPUs {busy} % taken"
    return Refusal(host_id=host.host_id, host_name=host.name, code=code, reason=reason, fits=True)
