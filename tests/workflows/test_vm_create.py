"""Making VMs."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate, differences, slate, without_copies
from tests.workflows.world import DISK_BYTES, World

from castalia.model.access import SYSTEM
from castalia.model.job import Job
from castalia.model.vm import DiskSpec, VmCreation, VmSpec, VmState


class TestFromTemplate(EveryStep):
    """Two VMs of a template, which the host does not have yet."""

    steps: ClassVar = tuple(
        f"web-{number}: {step}"
        for number in (1, 2)
        for step in ("record", "disks", "define", "start", "announce")
    )

    def prepare(self, world: World) -> None:
        world.make_template()

    def begin(self, world: World) -> Job:
        spec = VmSpec(name="web-{n}", template="tiny", autostart=True, tags=("blue",))
        wanted = VmCreation(spec=spec, count=2)
        return world.services.vm_create.create(wanted, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert [vm["name"] for vm in job.result["vms"]] == ["web-1", "web-2"]
        for name in ("web-1", "web-2"):
            world.until(lambda name=name: world.vm(name).agent_connected, "the agent")
            vm = world.vm(name)
            on_host = world.driver().vms[vm.uuid]
            assert (vm.state, on_host.active) == (VmState.RUNNING, True)
            assert (vm.autostart, on_host.autostart) == (True, True)
            assert (vm.template, vm.size, vm.tags) == ("tiny", "micro", ("blue",))
        volumes = world.storage().repository("default").volumes
        assert [volume.name.partition("-")[0] for volume in volumes] == ["template", *["web"] * 4]
        systems = [volume for volume in volumes if volume.name.endswith("-system.qcow2")]
        assert {volume.backing_path for volume in systems} == {volumes[0].path}
        assert {volume.capacity_bytes for volume in systems} == {DISK_BYTES}

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """The template's disk may stay on the host: the next VM made of it needs it."""
        world.until(
            lambda: without_copies(slate(world)) == without_copies(before),
            "\n".join(differences(without_copies(before), without_copies(slate(world)))),
        )


class TestBlank(EveryStep):
    """A VM with disks of its own, which stays off."""

    steps: ClassVar = ("db: record", "db: disks", "db: define", "db: announce")

    def begin(self, world: World) -> Job:
        disk = DiskSpec(size_bytes=2 * DISK_BYTES)
        spec = VmSpec(name="db", memory_mib=64, disk_bytes=DISK_BYTES, disks=(disk,), start=False)
        return world.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        vm = world.vm("db")
        assert vm.state is VmState.STOPPED
        assert not world.driver().vms[vm.uuid].active
        volumes = world.storage().repository("default").volumes
        assert sorted(volume.capacity_bytes for volume in volumes) == [DISK_BYTES, 2 * DISK_BYTES]
        assert {disk.source for disk in vm.definition.disks} == {one.path for one in volumes}


def test_a_template_whose_copy_was_deleted_on_the_host_is_copied_again(world: World) -> None:
    world.make_template()
    world.make_vm("one", template="tiny", disk_bytes=0)
    storage = world.storage()
    (copy,) = (
        one.name
        for one in storage.repository("default").volumes
        if one.name.startswith("template-")
    )
    storage.delete_volume("default", copy)
    world.make_vm("two", template="tiny", disk_bytes=0)
    assert storage.volume("default", copy)
