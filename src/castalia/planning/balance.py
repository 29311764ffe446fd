"""Which VMs to move so that all get the CPUs and memory they ask for, and then so that hosts are
equally full."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from castalia.planning.balance_search import Search, Step
from castalia.planning.balance_state import Floats, PoolState, move_seconds, pool_state
from castalia.planning.facts import Candidate, Resident
from castalia.planning.rules import PoolRules


@dataclass(frozen=True, kw_only=True)
class Move:
    """One VM to another host.

    `gain` is how much the sum of squared deviations falls (0.005 closes a difference of 10 %),
    divided by 1 + cost_s / the pool's `worth_s`; a shortage of CPUs or memory counts a thousand
    times. Two VMs that change hosts name each other in `exchanged_for`, and each has half of the
    exchange's gain. `cost_s` is how long the move takes. `reason` is a sentence's end.
    """

    vm_id: str
    vm_name: str
    source_id: str
    source_name: str
    target_id: str
    target_name: str
    gain: float
    cost_s: float
    code: str
    reason: str
    exchanged_for: str = ""

    @classmethod
    def of(
        cls,
        resident: Resident,
        source: Candidate,
        target: Candidate,
        *,
        rules: PoolRules,
        code: str,
        reason: str,
        gain: float = 0.0,
        exchanged_for: str = "",
    ) -> "Move":
        """That VM from one host to the other, at the pool's price."""
        return cls(
            vm_id=resident.vm_id,
            vm_name=resident.demand.name,
            source_id=source.host_id,
            source_name=source.name,
            target_id=target.host_id,
            target_name=target.name,
            gain=gain,
            cost_s=move_seconds(resident, rules),
            code=code,
            reason=reason,
            exchanged_for=exchanged_for,
        )


@dataclass(frozen=True, kw_only=True)
class Balance:
    """How a pool is doing: CPUs that VMs ask for and do not get, memory promised beyond the
    reserve, and the standard deviations of the hosts' shares, weighted and added up."""

    missing_cpus: float
    missing_memory_mib: int
    spread: float


@dataclass(frozen=True, kw_only=True)
class BalancePlan:
    """Moves in the order in which to make them, one after the other: each finds room at its turn
    without counting on later ones."""

    moves: tuple[Move, ...]
    before: Balance
    after: Balance


def plan_balance(
    hosts: Iterable[Candidate],
    residents: Iterable[Resident],
    *,
    rules: PoolRules | None = None,
    max_moves: int | None = None,
) -> BalancePlan:
    """The moves that are worth it now; none for a pool that is well.

    Hosts that are down or in maintenance, and what is on them, are left out. CPU figures should be
    means over some minutes: a peak of seconds is over before a VM has moved.
    """
    given = rules or PoolRules()
    usable = [host for host in hosts if host.usable]
    ids = {host.host_id for host in usable}
    present = [resident for resident in residents if resident.host_id in ids]
    state = pool_state(usable, present, given)
    before = _balance(state)
    if len(usable) < 2 or not present:
        return BalancePlan(moves=(), before=before, after=before)
    search = Search(pool_state(usable, present, given), present, needed_gain=given.needed_gain)
    moves = []
    for step in _whole(list(islice(search.steps(), max_moves))):
        moves.append(_move(step, state, usable, present, given))
        state.move(step.vm, step.target)
    return BalancePlan(moves=tuple(moves), before=before, after=_balance(state))


def _whole(steps: list[Step]) -> list[Step]:
    """Without a last step whose exchange was cut off."""
    if steps and steps[-1].partner >= 0 and steps[-1].partner not in {step.vm for step in steps}:
        return steps[:-1]
    return steps


def _balance(state: PoolState) -> Balance:
    if not len(state.used):
        return Balance(missing_cpus=0.0, missing_memory_mib=0, spread=0.0)
    over = np.maximum(state.used - state.capacity, 0.0).sum(axis=0)
    spread = float((state.used / state.capacity).std(axis=0) @ state.weights)
    return Balance(
        missing_cpus=float(over[1]) / 1000, missing_memory_mib=int(over[0]), spread=spread
    )


def _move(
    step: Step,
    state: PoolState,
    hosts: Sequence[Candidate],
    residents: Sequence[Resident],
    rules: PoolRules,
) -> Move:
    resident = residents[step.vm]
    source, target = hosts[step.source], hosts[step.target]
    partner = residents[step.partner] if step.partner >= 0 else None
    code, reason = _why(step, state, source, target)
    return Move.of(
        resident,
        source,
        target,
        rules=rules,
        gain=step.gain,
        code=code,
        reason=f"changes places with {partner.demand.name}: {reason}" if partner else reason,
        exchanged_for=partner.vm_id if partner else "",
    )


def _why(step: Step, state: PoolState, source: Candidate, target: Candidate) -> tuple[str, str]:
    over = state.used[step.source] - state.capacity[step.source]
    if over[1] > 0:
        return "balance.cpu-missing", f"{source.name} is short of {over[1] / 1000:.1f} CPUs"
    if over[0] > 0:
        mib = f"{over[0]:.0f} MiB"
        return "balance.memory-missing", f"{source.name} has promised {mib} more than it has"
    shares = state.used[[step.source, step.target]] / state.capacity[[step.source, step.target]]
    column = int(np.argmax(_column_gains(step, state, shares)))
    code, what = _COLUMNS[column]
    here, there = (round(100 * float(share)) for share in shares[:, column])
    return code, f"{what} of {source.name} is {here} % taken, of {target.name} {there} %"


_COLUMNS = (
    ("balance.memory", "memory"),
    ("balance.cpu", "CPU time"),
    ("balance.vcpus", "what vCPUs may promise"),
)


def _column_gains(step: Step, state: PoolState, shares: Floats) -> Floats:
    part = state.need[step.vm] / state.capacity[step.target]
    return np.asarray(state.weights * part * (shares[0] - shares[1] - part))
