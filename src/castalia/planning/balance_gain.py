"""What a move, or an exchange of two VMs, would gain.

The objective is what is missing of CPUs and memory, and then the sum over hosts and resources of
the squared deviation from the pool's share. A move changes two hosts only, so its gain does not
depend on the rest of the pool, and moves between different hosts add up.
"""

from dataclasses import dataclass

import numpy as np

from castalia.planning.balance_state import Bools, Floats, Ints, PoolState

SHORTAGE_WEIGHT = 1000.0
"""One average host's worth of missing CPUs or memory: more than any spread can be worth."""
_NOTHING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Two VMs that change hosts; `first` moves first. `gain` is divided by the slowness of both."""

    first: int
    second: int
    gain: float


def move_gains(state: PoolState, mask: Bools, vms: Ints, hosts: Ints) -> Floats:
    """Gain of moving each of `vms` to each of `hosts`, divided by the move's slowness; -inf where
    `mask`, memory or overcommit forbid it."""
    need, sources = state.need[vms], state.place[vms]
    removed = state.used[sources] - need
    before = _squares(state, state.used[sources], sources)
    drop = before - _squares(state, removed, sources)
    relief = state.shortage(state.used[sources], sources) - state.shortage(removed, sources)
    gains = (drop + SHORTAGE_WEIGHT * relief)[:, None] - _rise(state, need, hosts)
    _subtract_new_shortage(gains, state, need, relief, hosts)
    room = state.capacity[hosts] - state.used[hosts]
    gains[need[:, 0, None] > room[:, 0]] = -np.inf
    gains[need[:, 2, None] > room[:, 2]] = -np.inf
    gains[~mask[vms[:, None], hosts]] = -np.inf
    gains /= state.slowness[vms, None]
    return np.asarray(gains)


def _squares(state: PoolState, used: Floats, hosts: Ints) -> Floats:
    deviation = used / state.capacity[hosts] - state.target
    return np.asarray(deviation**2 @ state.weights)


def _rise(state: PoolState, need: Floats, hosts: Ints) -> Floats:
    """How much the squares on each host rise with each VM: (d+n)² - d² = 2dn + n², as a product of
    matrices."""
    capacity = state.capacity[hosts]
    deviation = state.used[hosts] / capacity - state.target
    linear = need @ (2 * state.weights * deviation / capacity).T
    linear += need**2 @ (state.weights / capacity**2).T
    return np.asarray(linear)


def _subtract_new_shortage(
    gains: Floats, state: PoolState, need: Floats, relief: Floats, hosts: Ints
) -> None:
    """CPUs that would be missing on the new host. Memory never is: the VM would not fit."""
    largest = need[:, 1].max(initial=0)
    tight = np.flatnonzero(state.used[hosts, 1] + largest > state.capacity[hosts, 1])
    if not len(tight):
        return
    free = (state.capacity[hosts, 1] - state.used[hosts, 1])[tight]
    added = np.maximum(need[:, 1, None] - np.maximum(free, 0.0), 0.0) / state.mean[1]
    part = gains[:, tight] - SHORTAGE_WEIGHT * added
    part[added > relief[:, None] + _NOTHING] = -np.inf
    gains[:, tight] = part


def best_exchange(state: PoolState, mask: Bools, ours: Ints, theirs: Ints) -> Exchange | None:
    """The best exchange of one of `ours`, which share a host, for one of `theirs`, on other hosts;
    None if there is none that is possible step by step."""
    if not len(ours) or not len(theirs):
        return None
    gains = _exchange_gains(state, ours, theirs)
    source, places = int(state.place[ours[0]]), state.place[theirs]
    gains[~(mask[ours[:, None], places] & mask[theirs, source][None, :])] = -np.inf
    for flat in np.argsort(-gains, axis=None)[:8]:
        row, column = np.unravel_index(flat, gains.shape)
        gain = float(gains[row, column])
        if gain <= 0:
            return None
        if found := _in_order(state, int(ours[row]), int(theirs[column]), gain):
            return found
    return None


def _exchange_gains(state: PoolState, ours: Ints, theirs: Ints) -> Floats:
    here, there = state.place[ours[:1]], state.place[theirs]
    change = state.need[theirs][None, :, :] - state.need[ours][:, None, :]
    before = _worth(state, state.used[here], here) + _worth(state, state.used[there], there)
    after = _worth(state, state.used[here] + change, here)
    after = after + _worth(state, state.used[there] - change, there)
    slowness = state.slowness[ours][:, None] + state.slowness[theirs][None, :] - 1
    gains = (before - after) / slowness
    added = state.shortage(state.used[here] + change, here)
    added = added + state.shortage(state.used[there] - change, there)
    missing = state.shortage(state.used[here], here) + state.shortage(state.used[there], there)
    gains[added > missing + _NOTHING] = -np.inf
    return np.asarray(gains)


def _worth(state: PoolState, used: Floats, hosts: Ints) -> Floats:
    return _squares(state, used, hosts) + SHORTAGE_WEIGHT * state.shortage(used, hosts)


def _in_order(state: PoolState, ours: int, theirs: int, gain: float) -> Exchange | None:
    """Which of the two can move first so that both find room."""
    here, there = int(state.place[ours]), int(state.place[theirs])
    for first, second, target in ((ours, theirs, there), (theirs, ours, here)):
        source = int(state.place[first])
        after = state.used[source] - state.need[first] + state.need[second]
        room = (after[[0, 2]] <= state.capacity[source][[0, 2]]).all()
        if state.fits(first, target) and room:
            return Exchange(first=first, second=second, gain=gain)
    return None
