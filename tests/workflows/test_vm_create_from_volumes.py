"""Making VMs on volumes that are there already: they are used, and never deleted."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.world import DISK_BYTES, World

from castalia.model.access import SYSTEM
from castalia.model.job import Job
from castalia.model.storage import VolumeFormat
from castalia.model.vm import DeviceKind, DiskSpec, GuestSeed, VmCreation, VmSpec, VmState


class TestMedium(EveryStep):
    """A new disk, and an installation medium in a drive."""

    steps: ClassVar = ("web: record", "web: disks", "web: define", "web: start", "web: announce")

    def prepare(self, world: World) -> None:
        world.storage().create_volume(
            "default", "installer.iso", size_bytes=DISK_BYTES, format=VolumeFormat.RAW
        )
        world.services.storage.refresh("default", principal=SYSTEM)

    def begin(self, world: World) -> Job:
        spec = VmSpec(name="web", memory_mib=64, disk_bytes=DISK_BYTES, iso="default/installer.iso")
        return world.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        vm = world.vm("web")
        kinds = {disk.device: disk.source.rpartition("/")[2] for disk in vm.definition.disks}
        assert kinds[DeviceKind.CDROM] == "installer.iso"
        assert vm.state is VmState.RUNNING
        assert len(world.storage().repository("default").volumes) == 2


class TestExistingDisk(EveryStep):
    """A disk that somebody made before."""

    steps: ClassVar = ("web: record", "web: disks", "web: define", "web: announce")

    def prepare(self, world: World) -> None:
        world.storage().create_volume("default", "old.qcow2", size_bytes=DISK_BYTES)
        world.services.storage.refresh("default", principal=SYSTEM)

    def begin(self, world: World) -> Job:
        disk = DiskSpec(volume="default/old.qcow2")
        spec = VmSpec(name="web", memory_mib=64, disks=(disk,), start=False)
        return world.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        (disk,) = world.vm("web").definition.disks
        assert disk.source.endswith("/old.qcow2")
        assert [one.name for one in world.storage().repository("default").volumes] == ["old.qcow2"]


class TestSeededDisk(EveryStep):
    """A cloud image that somebody imported as a volume: a seed that is given is written."""

    steps: ClassVar = ("web: record", "web: disks", "web: define", "web: announce")

    def prepare(self, world: World) -> None:
        world.storage().create_volume("default", "cloud.qcow2", size_bytes=DISK_BYTES)
        world.services.storage.refresh("default", principal=SYSTEM)

    def begin(self, world: World) -> Job:
        spec = VmSpec(
            name="web",
            memory_mib=64,
            disks=(DiskSpec(volume="default/cloud.qcow2"),),
            seed=GuestSeed(user="dba"),
            start=False,
        )
        return world.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        sources = [disk.source for disk in world.vm("web").definition.disks]
        assert [source.endswith("-seed.iso") for source in sources] == [False, True]
