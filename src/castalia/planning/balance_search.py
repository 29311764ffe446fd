"""The local search behind balancing: best moves first, then exchanges of two VMs.

Steepest descent over single moves, as in Ganeti's `hbal`, but many moves in a round: moves between
different hosts do not disturb each other's gains. Where no single move helps any more, two VMs are
exchanged. Each VM moves at most once, and each move is possible and right at its turn, so the moves
are carried out in the order in which they were found. The objective falls with each of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from castalia.planning.balance_affinity import OpenHosts
from castalia.planning.balance_gain import Exchange, best_exchange, move_gains
from castalia.planning.balance_state import Floats, Ints, PoolState
from castalia.planning.facts import Resident

_ROUND_SHARE = 0.7
"""A round takes moves at least this good against its best: later rounds may find better ones."""
_PARTNERS = 24
"""With how many other hosts a host tries to exchange VMs: those that differ from it most."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A move that was found. `partner` is the VM that goes the other way, or -1."""

    vm: int
    source: int
    target: int
    gain: float
    partner: int = -1


class Search:
    """One search; `state` is where the pool is after the steps found so far."""

    def __init__(
        self, state: PoolState, residents: Sequence[Resident], *, needed_gain: float
    ) -> None:
        self.state = state
        self._needed = max(needed_gain, 1e-7)
        self._open = OpenHosts(state, residents)
        hosts = len(state.used)
        self._vms: list[list[int]] = [[] for _ in range(hosts)]
        for vm in np.flatnonzero(state.movable):
            self._vms[state.place[vm]].append(int(vm))
        self._best: Floats = np.full((hosts, hosts), -np.inf)
        self._refresh(set(range(hosts)))

    def steps(self) -> Iterator[Step]:
        """Every step, in the order in which to take them."""
        while True:
            moved = False
            for step in self._round():
                moved = True
                yield step
            if not moved:
                exchanged = list(self._exchanges())
                yield from exchanged
                if not exchanged:
                    return

    def _round(self) -> list[Step]:
        """Moves that share no host, best first."""
        steps: list[Step] = []
        best = self._best.copy()
        floor = max(self._needed, float(best.max(initial=0)) * _ROUND_SHARE)
        changed: set[int] = set()
        while best.size:
            source, target = divmod(int(best.argmax()), len(best))
            if best[source, target] < floor:
                break
            step = self._best_move(source, target)
            best[source, target] = -np.inf
            if step.gain < floor:
                continue
            changed |= {source, target} | self._apply(step)
            for host in (source, target):
                best[host, :] = best[:, host] = -np.inf
            steps.append(step)
        self._refresh(changed)
        return steps

    def _best_move(self, source: int, target: int) -> Step:
        vms = np.array(self._vms[source], dtype=np.int64)
        gains = move_gains(self.state, self._open.mask, vms, np.array([target]))[:, 0]
        row = int(gains.argmax())
        return Step(vm=int(vms[row]), source=source, target=target, gain=float(gains[row]))

    def _apply(self, step: Step) -> set[int]:
        self._vms[step.source].remove(step.vm)
        self.state.move(step.vm, step.target)
        return self._open.moved(step.vm)

    def _refresh(self, changed: set[int]) -> None:
        """Weighs the pairs of hosts again that have a changed host."""
        if not changed:
            return
        everything = np.arange(len(self._best))
        some = np.array(sorted(changed), dtype=np.int64)
        self._best[some, :] = self._block(some, everything)
        if len(some) < len(everything):
            self._best[:, some] = self._block(everything, some)

    def _block(self, sources: Ints, targets: Ints) -> Floats:
        """The best move's gain from each of `sources` to each of `targets`."""
        block = np.full((len(sources), len(targets)), -np.inf)
        filled = [row for row, host in enumerate(sources) if self._vms[host]]
        if not filled:
            return block
        lists = [self._vms[sources[row]] for row in filled]
        vms = np.array([vm for vms in lists for vm in vms], dtype=np.int64)
        starts = np.cumsum([0, *(len(vms) for vms in lists[:-1])])
        gains = move_gains(self.state, self._open.mask, vms, targets)
        block[filled] = np.maximum.reduceat(gains, starts, axis=0)
        return block

    def _exchanges(self) -> Iterator[Step]:
        """One pass over the hosts, the one furthest from the target first."""
        changed: set[int] = set()
        away = self.state.deviation() ** 2 @ self.state.weights
        for host in np.argsort(-away, kind="stable"):
            while found := self._exchange_of(int(host)):
                for step in self._pair(found):
                    changed |= {step.source, step.target} | self._apply(step)
                    yield step
        self._refresh(changed)

    def _exchange_of(self, host: int) -> Exchange | None:
        partners = self._partners(host)
        ours = self._free_to_swap([host])
        found = best_exchange(self.state, self._open.mask, ours, self._free_to_swap(partners))
        return found if found and found.gain >= 2 * self._needed else None

    def _partners(self, host: int) -> list[int]:
        """Hosts so different that an exchange may gain enough; a shortage makes any different.

        Between equal hosts an exchange gains at most half of the squared difference.
        """
        deviation = self.state.deviation()
        gaps = (deviation - deviation[host]) ** 2 @ self.state.weights
        everything = np.arange(len(gaps))
        short = self.state.shortage(self.state.used, everything)
        gaps += np.abs(short - short[host]) * 1000
        gaps[host] = 0.0
        order = np.argsort(-gaps, kind="stable")[:_PARTNERS]
        return [int(other) for other in order if gaps[other] >= 2 * self._needed]

    def _free_to_swap(self, hosts: Sequence[int]) -> Ints:
        vms = np.array([vm for host in hosts for vm in self._vms[host]], dtype=np.int64)
        return vms[~self._open.grouped[vms]]

    def _pair(self, found: Exchange) -> list[Step]:
        place = self.state.place
        here, there = int(place[found.first]), int(place[found.second])
        half = found.gain / 2
        return [
            Step(vm=found.first, source=here, target=there, gain=half, partner=found.second),
            Step(vm=found.second, source=there, target=here, gain=half, partner=found.first),
        ]
