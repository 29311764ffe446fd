"""The power buttons, with what each waits for."""

import time
from collections.abc import Callable
from typing import Any

from castalia.db import vms as vm_store
from castalia.errors import GuestError
from castalia.hypervisor.driver import HypervisorDriver
from castalia.jobs.context import JobContext
from castalia.model.vm import PowerAction, Vm
from castalia.workflows.parts import Parts

_POLL_S = 0.25
_AGENT_SHARE = 0.5
_ASK_AGAIN_S = 10.0

_DONE = {
    PowerAction.START: "was started",
    PowerAction.SHUTDOWN: "was shut down",
    PowerAction.STOP: "was stopped",
    PowerAction.REBOOT: "was rebooted",
    PowerAction.RESET: "was reset",
    PowerAction.PAUSE: "was paused",
    PowerAction.RESUME: "runs on",
    PowerAction.SUSPEND: "was suspended to disk",
    PowerAction.DISCARD: "lost its suspended state",
}


def vm_power(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Does `args["action"]` to the VM `args["vm"]`, within `args["timeout_s"]` where a guest is
    asked."""
    action = PowerAction(context.args["action"])
    with parts.database.read() as connection:
        vm = vm_store.get(connection, context.args["vm"])
    driver = parts.links.hypervisor(vm.host_id)
    context.step(action.value, lambda: _perform(context, driver, vm, action))
    context.step("refresh", lambda: parts.links.refresh_vm(vm.host_id, vm.uuid))
    parts.record(
        f"vm.{action.value}",
        f"{vm.name} {_DONE[action]}.",
        subject=f"vm:{vm.id}",
        subject_name=vm.name,
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"vm": vm.id, "state": driver.vm(vm.uuid).state.value}


def _perform(context: JobContext, driver: HypervisorDriver, vm: Vm, action: PowerAction) -> None:
    uuid = vm.uuid
    deeds: dict[PowerAction, Callable[[], None]] = {
        PowerAction.START: lambda: driver.start(uuid),
        PowerAction.SHUTDOWN: lambda: shut_down(context, driver, vm),
        PowerAction.STOP: lambda: driver.stop(uuid),
        PowerAction.REBOOT: lambda: _reboot(context, driver, vm),
        PowerAction.RESET: lambda: driver.reset(uuid),
        PowerAction.PAUSE: lambda: driver.pause(uuid),
        PowerAction.RESUME: lambda: driver.resume(uuid),
        PowerAction.SUSPEND: lambda: driver.suspend(uuid),
        PowerAction.DISCARD: lambda: driver.discard_suspended(uuid),
    }
    deeds[action]()


def shut_down(context: JobContext, driver: HypervisorDriver, vm: Vm) -> None:
    """Asks the agent, then presses the ACPI button too, then gives up or, with `args["force"]`,
    cuts
    the power. It asks again now and then: a guest that is just booting hears neither.

    Raises GuestError when the guest is still on after `args["timeout_s"]` seconds.
    """
    timeout_s = float(context.args.get("timeout_s", 90))
    begun = time.monotonic()
    while (left_s := begun + timeout_s - time.monotonic()) > 0:
        if not driver.vm(vm.uuid).state.active:
            return
        patient = left_s > timeout_s * (1 - _AGENT_SHARE)
        if not (_ask_agent(context, driver, vm) and patient):
            context.log("Pressing the ACPI power button.")
            driver.request_shutdown(vm.uuid, via="acpi")
        if _wait_off(context, driver, vm, limit_s=min(_ASK_AGAIN_S, left_s)):
            return
    if context.args.get("force"):
        context.log(f"Still on after {timeout_s:g} s: cutting the power.", level="warning")
        driver.stop(vm.uuid)
        return
    remedy = "Look at its console, allow more time, or stop it, which cuts the power."
    raise GuestError(
        f"{vm.name} did not shut down within {timeout_s:g} s.",
        code="vm.shutdown-timeout",
        remedy=remedy,
    )


def _ask_agent(context: JobContext, driver: HypervisorDriver, vm: Vm) -> bool:
    try:
        driver.request_shutdown(vm.uuid, via="agent")
    except GuestError as error:
        context.log(f"The guest agent cannot be asked: {error.message}")
        return False
    context.log("Asked the guest agent to shut down.")
    return True


def _wait_off(context: JobContext, driver: HypervisorDriver, vm: Vm, *, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not driver.vm(vm.uuid).state.active:
            return True
        context.check()
        time.sleep(_POLL_S)
    return False


def _reboot(context: JobContext, driver: HypervisorDriver, vm: Vm) -> None:
    try:
        driver.request_reboot(vm.uuid, via="agent")
    except GuestError as error:
        context.log(f"No guest agent ({error.message}); pressing the ACPI button.")
        driver.request_reboot(vm.uuid, via="acpi")
