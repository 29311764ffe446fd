"""A new VM with every choice made, so that a job can be repeated and gives the same VM again."""

from dataclasses import dataclass

from castalia.model.capabilities import Mode
from castalia.model.vm import DeviceKind, GuestSeed


@dataclass(frozen=True, kw_only=True)
class PlannedDisk:
    """A disk of a new VM. `made` says that the volume is created by the job and is deleted when it
    is undone;
    with `template_id` it is a linked clone of that template's disk."""

    target: str
    repository: str
    volume: str
    size_bytes: int = 0
    format: str = "qcow2"
    bus: str = "virtio"
    device: DeviceKind = DeviceKind.DISK
    made: bool = True
    template_id: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedNic:
    """A network card of a new VM."""

    mac: str
    kind: str
    network: str
    model: str = "virtio"


@dataclass(frozen=True, kw_only=True)
class PlannedVm:
    """A new VM on a chosen host."""

    uuid: str
    name: str
    host_id: str
    domain_type: str
    arch: str
    machine: str
    emulator: str = ""
    mode: Mode
    firmware: str
    vcpus: int
    max_vcpus: int
    memory_mib: int
    max_memory_mib: int
    disks: tuple[PlannedDisk, ...]
    nics: tuple[PlannedNic, ...]
    seed: GuestSeed | None = None
    seed_repository: str = ""
    seed_volume: str = ""
    template: str = ""
    size: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    autostart: bool = False
    start: bool = True
    boot: tuple[str, ...] = ("hd",)

    @property
    def short_id(self) -> str:
        """The part of the UUID that makes the names of this VM's volumes unique."""
        return self.uuid[:8]
