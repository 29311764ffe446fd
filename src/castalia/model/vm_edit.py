"""Changes to an existing VM."""

from dataclasses import dataclass

from castalia.model.vm import DiskSpec, NicSpec


@dataclass(frozen=True, kw_only=True)
class VmEdit:
    """New values for a VM; None leaves a value as it is."""

    name: str | None = None
    vcpus: int | None = None
    memory_mib: int | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    boot: tuple[str, ...] | None = None
    autostart: bool | None = None


@dataclass(frozen=True, kw_only=True)
class AttachDisk:
    """Give the VM another disk or CD drive."""

    disk: DiskSpec


@dataclass(frozen=True, kw_only=True)
class GrowDisk:
    """Make the disk `target` larger."""

    target: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class DetachDisk:
    """Take the disk `target` away; `delete_volume` destroys what is on it."""

    target: str
    delete_volume: bool = False


@dataclass(frozen=True, kw_only=True)
class AttachNic:
    """Give the VM another network card."""

    nic: NicSpec


@dataclass(frozen=True, kw_only=True)
class DetachNic:
    """Take the network card with that MAC address away."""

    mac: str


@dataclass(frozen=True, kw_only=True)
class SetLink:
    """Plug or unplug the cable of the network card with that MAC address."""

    mac: str
    up: bool


@dataclass(frozen=True, kw_only=True)
class ChangeMedium:
    """Put a volume into the drive `target`; an empty `volume` ejects."""

    target: str
    volume: str = ""
    repository: str = ""


DeviceOperation = (
    AttachDisk | GrowDisk | DetachDisk | AttachNic | DetachNic | SetLink | ChangeMedium
)
