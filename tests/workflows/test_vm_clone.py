"""Copying VMs."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.world import DISK_BYTES, World

from castalia.model.access import SYSTEM
from castalia.model.job import Job
from castalia.model.vm import DiskSpec, VmState


class TestVmClone(EveryStep):
    """A VM with two disks, copied and started."""

    steps: ClassVar = (
        "look",
        "copy default/web-*-system.qcow2",
        "copy default/web-*-data1.qcow2",
        "define",
        "start",
        "refresh",
    )

    def prepare(self, world: World) -> None:
        world.make_vm("web", disks=(DiskSpec(size_bytes=2 * DISK_BYTES),))

    def begin(self, world: World) -> Job:
        return world.services.vm_clone.clone("web", "copy", start=True, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        web, copy = world.vm("web"), world.vm("copy")
        assert (web.state, copy.state) == (VmState.STOPPED, VmState.RUNNING)
        assert len(world.driver().vms) == 2
        assert job.result == {"vm": copy.uuid, "name": "copy"}
        volumes = {volume.path: volume for volume in world.storage().repository("default").volumes}
        sources = [{disk.source for disk in vm.definition.disks} for vm in (web, copy)]
        assert not sources[0] & sources[1]
        assert sources[0] | sources[1] == set(volumes)
        sizes = sorted(volumes[path].capacity_bytes for path in sources[1])
        assert sizes == [DISK_BYTES, 2 * DISK_BYTES]
        assert {nic.mac for nic in web.definition.nics}.isdisjoint(
            nic.mac for nic in copy.definition.nics
        )
