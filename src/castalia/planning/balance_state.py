"""A pool as arrays, for weighing every VM against every host at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castalia.planning.facts import Candidate, Demand, Resident
from castalia.planning.migration import migration_seconds
from castalia.planning.refusals import fixed_obstacle
from castalia.planning.rules import PoolRules

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(kw_only=True)
class PoolState:
    """Hosts by row of `capacity` and `used`, VMs by row of `need`.

    The columns are memory in MiB (above the pool's reserve), measured CPU demand in thousandths of
    a CPU, and vCPUs (a host's capacity of them is what overcommit allows): whole numbers, so that a
    sum does not depend on the order of moves and planning again finds the very same state.

    `place` is each VM's host now, `allowed` whether a VM may ever be on a host, `slowness` what its
    move's gain is divided by, and `movable` whether it may move at all. `target` is the share of
    each column that all hosts would have if work were a liquid; no move changes it. `weights` is
    what a squared difference counts, `mean` the capacity of an average host.
    """

    capacity: Floats
    used: Floats
    need: Floats
    place: Ints
    movable: Bools
    allowed: Bools
    slowness: Floats
    weights: Floats
    mean: Floats
    target: Floats

    def move(self, vm: int, host: int) -> None:
        """Puts the VM on the host."""
        self.used[self.place[vm]] -= self.need[vm]
        self.used[host] += self.need[vm]
        self.place[vm] = host

    def fits(self, vm: int, host: int) -> bool:
        """Whether the VM finds room on the host before anything leaves it."""
        after = self.used[host] + self.need[vm]
        return bool((after[[0, 2]] <= self.capacity[host][[0, 2]]).all())

    def shortage(self, used: Floats, hosts: Ints) -> Floats:
        """What is missing on each of `hosts` at that use, of memory and CPUs: in average hosts."""
        memory = np.maximum(used[..., 0] - self.capacity[hosts, 0], 0.0) / self.mean[0]
        cpu = np.maximum(used[..., 1] - self.capacity[hosts, 1], 0.0) / self.mean[1]
        return np.asarray(memory + cpu)

    def deviation(self) -> Floats:
        """How far each host's shares are from the target."""
        return np.asarray(self.used / self.capacity - self.target)


def pool_state(
    hosts: Sequence[Candidate], residents: Sequence[Resident], rules: PoolRules
) -> PoolState:
    """The arrays for hosts that may take VMs and the VMs on them."""
    capacity = np.array([_capacity(host, rules) for host in hosts], dtype=float).reshape(-1, 3)
    used = np.array([_used(host) for host in hosts], dtype=float).reshape(-1, 3)
    number = {host.host_id: n for n, host in enumerate(hosts)}
    capacity = np.maximum(capacity, 1e-9)
    return PoolState(
        capacity=capacity,
        mean=capacity.mean(axis=0) if len(hosts) else np.ones(3),
        used=used,
        need=np.array([_need(r.demand) for r in residents], dtype=float).reshape(-1, 3),
        place=np.array([number[r.host_id] for r in residents], dtype=np.int64),
        movable=np.array([_movable(r, rules) for r in residents], dtype=bool),
        allowed=_allowed(hosts, residents),
        slowness=np.array([slowness(r, rules) for r in residents], dtype=float),
        weights=np.array([rules.memory_weight, rules.cpu_weight, rules.vcpu_weight]),
        target=used.sum(axis=0) / np.maximum(capacity.sum(axis=0), 1e-9),
    )


def move_seconds(resident: Resident, rules: PoolRules) -> float:
    """How long moving the VM takes over the pool's link, in seconds."""
    return migration_seconds(
        resident.demand.memory_mib,
        dirty_mib_s=resident.dirty_mib_s,
        link_mib_s=rules.link_mib_s,
    )


def slowness(resident: Resident, rules: PoolRules) -> float:
    """What the gain of moving the VM is divided by before it is compared with what is needed."""
    return 1 + move_seconds(resident, rules) / rules.worth_s


def _capacity(host: Candidate, rules: PoolRules) -> tuple[float, float, float]:
    memory_mib = host.memory_mib - rules.memory_reserve_mib
    return memory_mib, 1000 * host.cpus, host.cpus * rules.cpu_overcommit


def _used(host: Candidate) -> tuple[float, float, float]:
    return host.memory_mib - host.memory_free_mib, round(1000 * host.cpu_used), host.vcpus_used


def _need(demand: Demand) -> tuple[float, float, float]:
    return demand.memory_mib, round(1000 * demand.cpu_demand), demand.vcpus


def _movable(resident: Resident, rules: PoolRules) -> bool:
    moved_s_ago = resident.moved_s_ago
    rested = moved_s_ago is None or moved_s_ago >= rules.cool_down_s
    return rested and not resident.pinned


def _fixed_needs(demand: Demand) -> tuple[object, ...]:
    return (
        demand.arch,
        demand.cpu_features,
        demand.mode,
        demand.networks,
        demand.repositories,
        demand.tags_required,
        demand.tags_forbidden,
        demand.host,
        demand.not_hosts,
    )


def _allowed(hosts: Sequence[Candidate], residents: Sequence[Resident]) -> Bools:
    """Each kind of VM is asked about once: most VMs ask for the same things."""
    rows: dict[tuple[object, ...], list[bool]] = {}
    kinds = [_fixed_needs(resident.demand) for resident in residents]
    for kind, resident in zip(kinds, residents, strict=True):
        if kind not in rows:
            rows[kind] = [fixed_obstacle(resident.demand, host) is None for host in hosts]
    return np.array([rows[kind] for kind in kinds], dtype=bool).reshape(-1, max(len(hosts), 1))
