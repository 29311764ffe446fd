"""Editing VMs."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.world import World

from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.ownership import ownership_of
from castalia.model.access import SYSTEM
from castalia.model.job import Job
from castalia.model.vm_edit import VmEdit


class TestStopped(EveryStep):
    """Everything of a stopped VM."""

    steps: ClassVar = (
        "look",
        "rename",
        "change definition",
        "autostart",
        "refresh",
    )
    edit: ClassVar = VmEdit(
        name="shop",
        vcpus=3,
        memory_mib=96,
        description="Sells things.",
        tags=("green", "new"),
        boot=("network", "hd"),
        autostart=True,
    )

    def prepare(self, world: World) -> None:
        world.make_vm("web", tags=("blue",))

    def begin(self, world: World) -> Job:
        return world.services.vm_edit.edit("web", self.edit, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        vm = world.vm("shop")
        edit = self.edit
        assert (vm.name, vm.description, vm.tags) == (edit.name, edit.description, edit.tags)
        assert (vm.autostart, vm.definition.boot) == (True, edit.boot)
        (on_host,) = world.driver().vms.values()
        found = on_host.definition
        assert (found.name, found.vcpus, found.memory_mib) == ("shop", 3, 96)
        assert on_host.autostart


class TestRunning(EveryStep):
    """What a running VM can take at once."""

    steps: ClassVar = (
        "look",
        "change definition",
        "change running vCPUs",
        "change running memory",
        "change running tags",
        "autostart",
        "refresh",
    )

    def prepare(self, world: World) -> None:
        world.make_vm("web", tags=("blue",), vcpus=1, max_memory_mib=128)
        vm = world.start_vm("web")
        world.until(lambda: world.vm(vm.id).agent_connected, "the agent")

    def begin(self, world: World) -> Job:
        edit = VmEdit(vcpus=2, memory_mib=100, tags=("green",), autostart=True)
        return world.services.vm_edit.edit("web", edit, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        (on_host,) = world.driver().vms.values()
        for xml in (on_host.running, on_host.stored):
            domain = Domain(xml)
            note = ownership_of(domain)
            assert note is not None
            assert note.tags == ("green",)
            assert (domain.current_vcpus, domain.current_memory_mib) == (2, 100)
        vm = world.vm("web")
        assert (vm.definition.vcpus, vm.definition.memory_mib, vm.tags) == (2, 100, ("green",))
        assert (vm.autostart, on_host.autostart) == (True, True)
