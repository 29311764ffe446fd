"""Deleting VMs."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate, slate
from tests.workflows.world import World

from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState
from castalia.model.vm import VmState


class TestWithDisks(EveryStep):
    """A stopped VM of a template, with its disk and its seed; the template's copy stays."""

    steps: ClassVar = (
        "look",
        "power off",
        "undefine",
        "delete default/web-*-system.qcow2",
        "delete default/web-*-seed.iso",
        "forget",
    )

    def prepare(self, world: World) -> None:
        world.make_template()
        world.make_vm("web", template="tiny", disk_bytes=0, autostart=True)

    def begin(self, world: World) -> Job:
        return world.services.vm_delete.delete("web", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert job.result["name"] == "web"
        assert not world.driver().vms
        left = [one.name for one in world.storage().repository("default").volumes]
        assert [name.partition("-")[0] for name in left] == ["template"]

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """What was deleted from disks stays deleted; the VM is there to be deleted once more."""
        if not step.startswith(("delete ", "forget")):
            super().check_failed(world, before, step)
            return
        assert world.vm("web").state is VmState.STOPPED
        assert [vm.autostart for vm in world.driver().vms.values()] == [True]
        world.faults.clear()
        job = world.done(self.begin(world))
        assert job.state is JobState.SUCCEEDED
        self.check(world, job)


class TestKeepingDisks(EveryStep):
    """A running VM by force; its disk stays."""

    steps: ClassVar = ("look", "power off", "undefine", "forget")

    def prepare(self, world: World) -> None:
        world.make_vm("web", autostart=True)
        world.start_vm("web")

    def begin(self, world: World) -> Job:
        return world.services.vm_delete.delete("web", keep_disks=True, force=True, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert not world.driver().vms
        (volume,) = world.storage().repository("default").volumes
        assert volume.name.endswith("-system.qcow2")

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """Power that was cut stays cut; everything else is as it was."""
        world.until(lambda: powered_off(slate(world)) == powered_off(before), "the VM")


def powered_off(slate: Slate) -> Slate:
    """The slate without what tells whether VMs run."""
    dynamic = ("state", "running", "agent_connected", "saved")

    def quiet(row: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in row.items() if name not in dynamic}

    def of_host(content: dict[str, dict[str, object]]) -> dict[str, object]:
        return {**content, "vms": {name: quiet(vm) for name, vm in content["vms"].items()}}

    return {
        place: of_host(content)
        if place.startswith("on ")
        else [quiet(row) for row in content]
        if place == "vms"
        else content
        for place, content in slate.items()
    }
