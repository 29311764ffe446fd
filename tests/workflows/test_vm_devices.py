"""Devices of VMs, stopped and running."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate, slate
from tests.workflows.world import DISK_BYTES, World

from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState
from castalia.model.storage import VolumeFormat
from castalia.model.vm import DeviceKind, DiskSpec, NicSpec, Vm
from castalia.model.vm_edit import (
    AttachDisk,
    AttachNic,
    ChangeMedium,
    DetachDisk,
    DetachNic,
    DeviceOperation,
    GrowDisk,
    SetLink,
)

MAC = "52:54:00:00:00:07"


class DeviceStep(EveryStep):
    """One operation on a VM with two disks, a CD drive and a network card."""

    running: ClassVar[bool] = False

    def prepare(self, world: World) -> None:
        medium(world, "old.iso")
        world.make_vm(
            "web",
            disks=(DiskSpec(size_bytes=DISK_BYTES),),
            nics=(NicSpec(mac=MAC),),
            iso="default/old.iso",
        )
        medium(world, "new.iso")
        if self.running:
            vm = world.start_vm("web")
            world.until(lambda: world.vm(vm.id).agent_connected, "the agent")

    def operation(self) -> DeviceOperation:
        raise NotImplementedError

    def begin(self, world: World) -> Job:
        return world.services.vm_devices.run("web", self.operation(), principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        """Stored and running definitions, and the database, have what was asked for."""
        (on_host,) = world.driver().vms.values()
        assert on_host.active == self.running
        self.check_vm(world, world.vm("web"))
        facts = on_host.facts()
        assert facts.next_definition is None or facts.next_definition == facts.definition

    def check_vm(self, world: World, vm: Vm) -> None:
        raise NotImplementedError


def medium(world: World, name: str) -> None:
    """A volume that passes for an ISO, known to the database."""
    world.storage().create_volume("default", name, size_bytes=DISK_BYTES, format=VolumeFormat.RAW)
    world.services.storage.refresh("default", principal=SYSTEM)


class TestAttachNewDisk(DeviceStep):
    steps: ClassVar = ("look", "choose target", "make volume", "attach", "refresh")

    def operation(self) -> DeviceOperation:
        return AttachDisk(disk=DiskSpec(size_bytes=3 * DISK_BYTES))

    def check_vm(self, world: World, vm: Vm) -> None:
        disk = next(one for one in vm.definition.disks if one.target == "vdc")
        volume = next(
            one for one in world.storage().repository("default").volumes if one.path == disk.source
        )
        assert volume.capacity_bytes == 3 * DISK_BYTES
        assert disk.format == "qcow2"


class TestAttachNewDiskToRunning(TestAttachNewDisk):
    running = True


class TestAttachMedium(DeviceStep):
    steps: ClassVar = ("look", "choose target", "find volume", "attach", "refresh")

    def operation(self) -> DeviceOperation:
        disk = DiskSpec(volume="new.iso", device=DeviceKind.CDROM, bus="sata")
        return AttachDisk(disk=disk)

    def check_vm(self, world: World, vm: Vm) -> None:
        drives = [one for one in vm.definition.disks if one.device is DeviceKind.CDROM]
        assert [drive.source.rpartition("/")[2] for drive in drives] == ["old.iso", "new.iso"]


class TestDetachDisk(DeviceStep):
    steps: ClassVar = ("look", "find volume", "detach", "refresh", "delete volume")

    def operation(self) -> DeviceOperation:
        return DetachDisk(target="vdb", delete_volume=True)

    def check_vm(self, world: World, vm: Vm) -> None:
        assert "vdb" not in {one.target for one in vm.definition.disks}
        names = [one.name for one in world.storage().repository("default").volumes]
        assert [name for name in names if "data1" in name] == []

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """A deleted volume cannot come back; the VM is left without the disk, as it could not start
        with a disk whose volume is gone."""
        names = [one.name for one in world.storage().repository("default").volumes]
        if any("data1" in name for name in names):
            super().check_failed(world, before, step)
        else:
            assert step == "delete volume"
            world.start_vm("web")
            self.check_vm(world, world.vm("web"))


class TestDetachDiskFromRunning(DeviceStep):
    running = True
    steps: ClassVar = ("look", "detach", "refresh")

    def operation(self) -> DeviceOperation:
        return DetachDisk(target="vdb")

    def check_vm(self, world: World, vm: Vm) -> None:
        assert "vdb" not in {one.target for one in vm.definition.disks}
        names = [one.name for one in world.storage().repository("default").volumes]
        assert len([name for name in names if "data1" in name]) == 1


class TestGrowDisk(DeviceStep):
    steps: ClassVar = ("look", "grow", "reread storage", "refresh")

    def operation(self) -> DeviceOperation:
        return GrowDisk(target="vdb", size_bytes=5 * DISK_BYTES)

    def check_vm(self, world: World, vm: Vm) -> None:
        volume = world.services.storage.behind(vm)["vdb"]
        assert volume.facts.capacity_bytes == 5 * DISK_BYTES

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """Disks cannot shrink again; nothing else may have changed."""
        world.until(lambda: _sizeless(slate(world)) == _sizeless(before), "the VM")


def _sizeless(slate: Slate) -> Slate:
    volumes = [{**row, "capacity_bytes": 0} for row in slate["volumes"]]
    hosts = {
        place: {**content, "repositories": ()}
        for place, content in slate.items()
        if place.startswith("on ")
    }
    return {**slate, **hosts, "volumes": volumes}


class TestAttachNicToRunning(DeviceStep):
    running = True
    steps: ClassVar = ("look", "attach", "refresh")

    def operation(self) -> DeviceOperation:
        return AttachNic(nic=NicSpec(mac="52:54:00:00:00:08", model="e1000"))

    def check_vm(self, world: World, vm: Vm) -> None:
        found = {nic.mac: (nic.network, nic.model) for nic in vm.definition.nics}
        assert found["52:54:00:00:00:08"] == ("default", "e1000")


class TestDetachNicFromRunning(DeviceStep):
    running = True
    steps: ClassVar = ("look", "detach", "refresh")

    def operation(self) -> DeviceOperation:
        return DetachNic(mac=MAC)

    def check_vm(self, world: World, vm: Vm) -> None:
        assert vm.definition.nics == ()


class TestSetLink(DeviceStep):
    running = True
    steps: ClassVar = ("look", "set link", "refresh")

    def operation(self) -> DeviceOperation:
        return SetLink(mac=MAC, up=False)

    def check_vm(self, world: World, vm: Vm) -> None:
        assert [nic.link_up for nic in vm.definition.nics] == [False]


class TestChangeMedium(DeviceStep):
    running = True
    steps: ClassVar = ("look", "find medium", "change medium", "refresh")

    def operation(self) -> DeviceOperation:
        return ChangeMedium(target="sda", volume="new.iso")

    def check_vm(self, world: World, vm: Vm) -> None:
        drive = next(one for one in vm.definition.disks if one.target == "sda")
        assert drive.source.endswith("/new.iso")


class TestEject(DeviceStep):
    steps: ClassVar = ("look", "change medium", "refresh")

    def operation(self) -> DeviceOperation:
        return ChangeMedium(target="sda")

    def check_vm(self, world: World, vm: Vm) -> None:
        drive = next(one for one in vm.definition.disks if one.target == "sda")
        assert drive.source == ""


def test_a_failed_attachment_leaves_somebody_elses_device_alone(world: World) -> None:
    vm = world.make_vm("web")
    driver = world.driver()
    other = (
        "<disk type='file' device='disk'><source file='/x'/><target dev='vdb' bus='virtio'/></disk>"
    )
    driver.faults.interject(
        "attach_device", lambda: driver.attach_device(vm.uuid, other, live=False)
    )
    operation = AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES))
    job = world.ended(world.services.vm_devices.run("web", operation, principal=SYSTEM))
    assert (job.state, job.error_code) == (JobState.FAILED, "vm.device-taken")
    (on_host,) = driver.vms.values()
    assert {one.target: one.source for one in on_host.definition.disks}["vdb"] == "/x"
    assert len(world.storage().repository("default").volumes) == 1


def test_a_new_disk_lies_where_the_vms_first_disk_lies(world: World) -> None:
    for name in ("alpha", "zeta"):
        world.done(
            world.services.storage.add_repository("h1", name, f"/srv/{name}", principal=SYSTEM)
        )
    operation = AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES))
    for vm, repository in (("web", "default"), ("away", "zeta")):
        world.make_vm(vm, repository=repository)
        world.done(world.services.vm_devices.run(vm, operation, principal=SYSTEM))
        names = [one.name for one in world.storage().repository(repository).volumes]
        assert len([name for name in names if name.startswith(f"{vm}-")]) == 2


def test_a_vm_without_disks_gets_its_first_where_new_vms_get_theirs(world: World) -> None:
    world.make_vm("web")
    world.done(world.services.vm_devices.run("web", DetachDisk(target="vda"), principal=SYSTEM))
    world.done(world.services.storage.add_repository("h1", "alpha", "/srv/alpha", principal=SYSTEM))
    operation = AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES))
    world.done(world.services.vm_devices.run("web", operation, principal=SYSTEM))
    assert world.storage().repository("alpha").volumes == ()


def test_disks_asked_for_at_the_same_time_get_different_targets(world: World) -> None:
    world.make_vm("web")
    operation = AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES))
    later: list[Job] = []

    def attach() -> Job:
        return world.services.vm_devices.run("web", operation, principal=SYSTEM)

    world.driver().faults.interject(
        "attach_device", lambda: later.extend(attach() for _ in range(3))
    )
    world.done(attach())
    for job in later:
        world.done(job)
    targets = [disk.target for disk in world.vm("web").definition.disks]
    assert targets == ["vda", "vdb", "vdc", "vdd", "vde"]
