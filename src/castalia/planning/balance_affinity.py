"""Which hosts a VM's affinity groups leave open, kept up to date while VMs move."""

from collections.abc import Sequence

import numpy as np

from castalia.planning.balance_state import Bools, PoolState
from castalia.planning.facts import Resident


class OpenHosts:
    """`mask[vm, host]`: whether this one move is allowed now, room aside.

    A VM never moves to where it is, a VM that must share a host only goes to where all the others
    are, and so does not leave them. `grouped[vm]`: whether such a group holds the VM.
    """

    def __init__(self, state: PoolState, residents: Sequence[Resident]) -> None:
        self._state = state
        self._together = _members(residents, kind="together")
        self._apart = _members(residents, kind="apart")
        self._demands = [resident.demand for resident in residents]
        self.grouped: Bools = np.array([bool(d.together or d.apart) for d in self._demands])
        self.mask: Bools = state.allowed & state.movable[:, None]
        self.mask[np.arange(len(residents)), state.place] = False
        for members in (*self._together.values(), *self._apart.values()):
            for vm in members:
                self._renew(vm)

    def moved(self, vm: int) -> set[int]:
        """Takes notice that the VM was moved, and will not be again; returns the hosts of the VMs
        whose choice has changed by it."""
        self._state.movable[vm] = False
        self.mask[vm] = False
        concerned = self._concerned(vm)
        for other in concerned:
            self._renew(other)
        return {int(self._state.place[other]) for other in concerned}

    def _concerned(self, vm: int) -> set[int]:
        demand = self._demands[vm]
        members = [self._together[group] for group in demand.together]
        members += [self._apart[group] for group in demand.apart]
        return {other for group in members for other in group} - {vm}

    def _renew(self, vm: int) -> None:
        state, demand = self._state, self._demands[vm]
        row = state.allowed[vm] & state.movable[vm]
        row[state.place[vm]] = False
        for group in demand.apart:
            row[[state.place[other] for other in self._apart[group] if other != vm]] = False
        for group in demand.together:
            for other in self._together[group]:
                if other != vm:
                    row &= np.arange(len(row)) == state.place[other]
        self.mask[vm] = row


def _members(residents: Sequence[Resident], *, kind: str) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for vm, resident in enumerate(residents):
        for group in getattr(resident.demand, kind):
            members.setdefault(group, []).append(vm)
    return members
