"""The power buttons. What they do is not undone: a failed job says so, and shows what is."""

from typing import ClassVar

import pytest
from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate, slate
from tests.workflows.test_vm_delete import powered_off
from tests.workflows.world import World

from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState
from castalia.model.vm import PowerAction, VmState


class PowerStep(EveryStep):
    """One button."""

    action: ClassVar[PowerAction]
    before: ClassVar[VmState] = VmState.RUNNING
    after: ClassVar[VmState] = VmState.RUNNING

    def prepare(self, world: World) -> None:
        world.make_vm("web")
        if self.before is not VmState.STOPPED:
            vm = world.start_vm("web")
            world.until(lambda: world.vm(vm.id).agent_connected, "the agent")
        if self.before is VmState.PAUSED:
            world.done(world.services.vm_power.power("web", PowerAction.PAUSE, principal=SYSTEM))
        if self.before is VmState.SUSPENDED:
            world.done(world.services.vm_power.power("web", PowerAction.SUSPEND, principal=SYSTEM))

    def begin(self, world: World) -> Job:
        return world.services.vm_power.power("web", self.action, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        (vm,) = world.driver().vms.values()
        assert (vm.state, world.vm("web").state) == (self.after, self.after)
        assert job.result["state"] == self.after
        assert job.target_name == "web"

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        world.until(lambda: powered_off(slate(world)) == powered_off(before), "the VM")


class TestStart(PowerStep):
    action = PowerAction.START
    before, after = VmState.STOPPED, VmState.RUNNING
    steps = ("start", "refresh")


class TestStartSuspended(PowerStep):
    action = PowerAction.START
    before, after = VmState.SUSPENDED, VmState.RUNNING
    steps = ("start", "refresh")


class TestShutdown(PowerStep):
    action = PowerAction.SHUTDOWN
    after = VmState.STOPPED
    steps = ("shutdown", "refresh")


class TestStop(PowerStep):
    action = PowerAction.STOP
    after = VmState.STOPPED
    steps = ("stop", "refresh")


class TestReboot(PowerStep):
    action = PowerAction.REBOOT
    steps = ("reboot", "refresh")


class TestReset(PowerStep):
    action = PowerAction.RESET
    steps = ("reset", "refresh")


class TestPause(PowerStep):
    action = PowerAction.PAUSE
    after = VmState.PAUSED
    steps = ("pause", "refresh")


class TestResume(PowerStep):
    action = PowerAction.RESUME
    before, after = VmState.PAUSED, VmState.RUNNING
    steps = ("resume", "refresh")


class TestSuspend(PowerStep):
    action = PowerAction.SUSPEND
    after = VmState.SUSPENDED
    steps = ("suspend", "refresh")


class TestDiscard(PowerStep):
    action = PowerAction.DISCARD
    before, after = VmState.SUSPENDED, VmState.STOPPED
    steps = ("discard", "refresh")

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """libvirt tells nobody of a discarded state; the next reading of the host sees it."""
        world.manager.inventory.refresh_vm(world.host().id, world.vm("web").uuid)
        super().check_failed(world, before, step)


@pytest.mark.parametrize("force", [False, True])
def test_a_guest_that_does_not_shut_down(world: World, force: bool) -> None:
    vm = world.make_vm("web")
    world.start_vm("web")
    guest = world.driver().guest(vm.uuid)
    guest.obeys_agent = guest.obeys_acpi = False
    job = world.ended(
        world.services.vm_power.power(
            "web", PowerAction.SHUTDOWN, timeout_s=0.5, force=force, principal=SYSTEM
        )
    )
    if force:
        assert (job.state, world.vm("web").state) == (JobState.SUCCEEDED, VmState.STOPPED)
    else:
        assert (job.state, job.error_code) == (JobState.FAILED, "vm.shutdown-timeout")
        assert "console" in job.remedy
        assert world.vm("web").state is VmState.RUNNING
