"""The power buttons: which may be pressed when, and what will happen."""

from dataclasses import dataclass

from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.model.access import Principal, Role
from castalia.model.amount import format_mib
from castalia.model.job import Job
from castalia.model.plan import Check, Plan
from castalia.model.vm import PowerAction, VmState
from castalia.planning.rules import MEMORY_RESERVE_MIB
from castalia.services.checks import blocked, ok, warning
from castalia.services.submission import Submission
from castalia.services.vm_jobs import VmOnHost, common_checks, found, vm_request

_ON = frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN, VmState.CRASHED})
_OFF = frozenset({VmState.STOPPED, VmState.SUSPENDED, VmState.CRASHED})
_FROM: dict[PowerAction, frozenset[VmState]] = {
    PowerAction.START: _OFF,
    PowerAction.SHUTDOWN: frozenset({VmState.RUNNING, VmState.SHUTTING_DOWN}),
    PowerAction.STOP: _ON,
    PowerAction.REBOOT: frozenset({VmState.RUNNING}),
    PowerAction.RESET: frozenset({VmState.RUNNING, VmState.PAUSED, VmState.CRASHED}),
    PowerAction.PAUSE: frozenset({VmState.RUNNING}),
    PowerAction.RESUME: frozenset({VmState.PAUSED}),
    PowerAction.SUSPEND: frozenset({VmState.RUNNING, VmState.PAUSED}),
    PowerAction.DISCARD: frozenset({VmState.SUSPENDED}),
}
_TITLES = {
    PowerAction.START: "Start {}",
    PowerAction.SHUTDOWN: "Shut down {}",
    PowerAction.STOP: "Stop {}",
    PowerAction.REBOOT: "Reboot {}",
    PowerAction.RESET: "Reset {}",
    PowerAction.PAUSE: "Pause {}",
    PowerAction.RESUME: "Resume {}",
    PowerAction.SUSPEND: "Suspend {} to disk",
    PowerAction.DISCARD: "Discard the suspended state of {}",
}
_STEPS = {
    PowerAction.START: ("start it, from its suspended state if it has one",),
    PowerAction.SHUTDOWN: (
        "ask the guest agent to shut down",
        "press the ACPI power button if that does not help",
        "give up after {timeout_s:g} s",
    ),
    PowerAction.STOP: ("cut the power",),
    PowerAction.REBOOT: ("ask the guest agent to reboot, or press the ACPI button",),
    PowerAction.RESET: ("press the reset button",),
    PowerAction.PAUSE: ("stop its CPUs; memory stays",),
    PowerAction.RESUME: ("let its CPUs run on",),
    PowerAction.SUSPEND: ("write its memory to the host's disk", "stop it"),
    PowerAction.DISCARD: ("delete the saved memory; the next start is a cold one",),
}
_RISKY = {
    PowerAction.STOP: "What the guest has not written to disk is lost.",
    PowerAction.RESET: "What the guest has not written to disk is lost.",
    PowerAction.DISCARD: "What was only in memory is lost.",
}
_MAX_TIMEOUT_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class VmPowerService:
    """Starts, stops and the like."""

    database: Database
    submission: Submission
    host_limit: int

    def power(
        self,
        ref: str,
        action: PowerAction,
        *,
        timeout_s: float = 90.0,
        force: bool = False,
        principal: Principal,
    ) -> Job:
        """Enqueues the action. `timeout_s` is how long a shutdown may take; `force` cuts the power
        afterwards."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        plan = _plan(place, action, timeout_s=timeout_s, force=force)
        request = vm_request(
            "vm_power",
            plan.title,
            place,
            principal=principal,
            host_limit=self.host_limit,
            args={"action": action.value, "timeout_s": timeout_s, "force": force},
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan(
        self,
        ref: str,
        action: PowerAction,
        *,
        timeout_s: float = 90.0,
        force: bool = False,
        principal: Principal,
    ) -> Plan:
        """What the action would do."""
        principal.require(Role.OPERATOR)
        return _plan(found(self.database, ref), action, timeout_s=timeout_s, force=force)


def allowed_actions(state: VmState) -> tuple[PowerAction, ...]:
    """The buttons that can be pressed in a state."""
    return tuple(action for action, states in _FROM.items() if state in states)


def _plan(place: VmOnHost, action: PowerAction, *, timeout_s: float, force: bool) -> Plan:
    if not 0 < timeout_s <= _MAX_TIMEOUT_S:
        remedy = f"Choose at most {_MAX_TIMEOUT_S:g} seconds."
        raise InvalidRequest("The time is no usable one.", field="timeout_s", remedy=remedy)
    steps = [step.format(timeout_s=timeout_s) for step in _STEPS[action]]
    if action is PowerAction.SHUTDOWN and force:
        steps[-1] = f"cut the power after {timeout_s:g} s"
    checks = [*common_checks(place), _state_check(place, action)]
    if action is PowerAction.START:
        checks.append(_memory_check(place))
    if action in _RISKY:
        checks.append(warning("data", _RISKY[action]))
    return Plan(
        title=_TITLES[action].format(place.vm.name), checks=tuple(checks), steps=tuple(steps)
    )


def _state_check(place: VmOnHost, action: PowerAction) -> Check:
    vm = place.vm
    if vm.state in _FROM[action]:
        return ok("state", f"{vm.name} is {vm.state}.")
    possible = ", ".join(allowed_actions(vm.state)) or "nothing until its host is back"
    return blocked(
        "state",
        f"{vm.name} is {vm.state}; {action} is not possible now.",
        remedy=f"Possible now: {possible}.",
        code="vm.wrong-state",
    )


def _memory_check(place: VmOnHost) -> Check:
    needed_mib, load = place.vm.definition.memory_mib, place.host.load
    if load is None:
        return warning("memory", f"How much memory is free on {place.host.name} is not known yet.")
    if needed_mib > load.memory_free_mib - MEMORY_RESERVE_MIB:
        return blocked(
            "memory",
            f"{place.host.name} has {format_mib(load.memory_free_mib)} free; {place.vm.name} needs "
            f"{format_mib(needed_mib)} and the host keeps {format_mib(MEMORY_RESERVE_MIB)}.",
            remedy="Stop another VM, or give this one less memory.",
            code="capacity.memory",
        )
    return ok("memory", f"{format_mib(load.memory_free_mib)} free on {place.host.name}.")
