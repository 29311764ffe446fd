"""Virtual machines."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from castalia.model.capabilities import Mode


class VmState(StrEnum):
    """The state of a VM, as users see it."""

    CREATING = "creating"
    RUNNING = "running"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting-down"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    CRASHED = "crashed"
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """Whether the VM holds memory on its host."""
        return self in {VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN}


class Origin(StrEnum):
    """Whether Castalia made a VM or found it on a host."""

    CREATED = "created"
    FOUND = "found"


class DeviceKind(StrEnum):
    """What a disk looks like to the guest."""

    DISK = "disk"
    CDROM = "cdrom"
    FLOPPY = "floppy"
    LUN = "lun"


class AddressSource(StrEnum):
    """How an address became known; the agent's word beats a lease, a lease beats ARP."""

    AGENT = "agent"
    LEASE = "lease"
    ARP = "arp"


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A volume attached to a VM. `target` (vda) names it within the VM; an empty CD drive has no
    `source`."""

    target: str
    device: DeviceKind = DeviceKind.DISK
    bus: str = "virtio"
    source: str = ""
    source_kind: str = "file"
    format: str = "qcow2"
    read_only: bool = False
    serial: str = ""


@dataclass(frozen=True, kw_only=True)
class Nic:
    """A network card. `network` is a libvirt network or, when `kind` is bridge, a bridge's name."""

    mac: str
    kind: str = "network"
    network: str = ""
    model: str = "virtio"
    target: str = ""
    link_up: bool = True


@dataclass(frozen=True, kw_only=True)
class Address:
    """An IP address of a VM."""

    ip: str
    prefix: int
    mac: str
    source: AddressSource


@dataclass(frozen=True, kw_only=True)
class Graphics:
    """A graphical console that the definition offers."""

    kind: str
    listen: str = ""
    port: int = -1


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a VM is made of, as read from its XML; identical for created and found VMs."""

    uuid: str
    name: str
    title: str = ""
    description: str = ""
    domain_type: str = "qemu"
    arch: str = ""
    machine: str = ""
    firmware: str = "bios"
    vcpus: int = 1
    max_vcpus: int = 1
    memory_mib: int = 0
    max_memory_mib: int = 0
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    graphics: tuple[Graphics, ...] = ()
    boot: tuple[str, ...] = ()
    serial_console: bool = False
    agent_channel: bool = False

    @property
    def mode(self) -> Mode:
        """How a VM of this definition is virtualized, as far as its devices and type tell."""
        if self.domain_type == "qemu":
            return Mode.EMULATED
        buses = {disk.bus for disk in self.disks} | {nic.model for nic in self.nics}
        return Mode.PVHVM if buses & {"virtio", "xen", "netfront"} else Mode.HVM


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """Castalia's note in a VM's libvirt metadata. A VM without one was found, not made."""

    template: str = ""
    size: str = ""
    tags: tuple[str, ...] = ()
    created_at: str = ""
    job_id: str = ""


@dataclass(frozen=True, kw_only=True)
class VmFacts:
    """A VM as its host reports it now. `definition` is what it runs with, or boots with when it is
    off; `next_definition` is what a running VM boots with next, where that differs."""

    definition: Definition
    next_definition: Definition | None = None
    state: VmState
    state_reason: str = ""
    autostart: bool = False
    persistent: bool = True
    agent_connected: bool = False
    saved: bool = False
    ownership: Ownership | None = None


@dataclass(frozen=True, kw_only=True)
class Vm:
    """A VM as the manager knows it. `revision` grows with every change and guards edits."""

    id: str
    uuid: str
    host_id: str
    host_name: str = ""
    name: str
    state: VmState
    state_reason: str = ""
    origin: Origin = Origin.CREATED
    definition: Definition
    mode: Mode = Mode.EMULATED
    description: str = ""
    tags: tuple[str, ...] = ()
    template: str = ""
    size: str = ""
    autostart: bool = False
    agent_connected: bool = False
    addresses: tuple[Address, ...] = ()
    cpu_fraction: float | None = None
    memory_used_mib: int | None = None
    created_at: datetime
    seen_at: datetime | None = None
    revision: int = 1

    @property
    def address(self) -> str:
        """The address to show first; empty if none is known."""
        return first_address(self.addresses)


def first_address(addresses: Iterable[Address]) -> str:
    """The address to show first: IPv4 before IPv6, the agent's word before others; empty if there
    is none."""
    order = list(AddressSource)
    ranked = sorted(addresses, key=lambda a: (":" in a.ip, order.index(a.source)))
    return ranked[0].ip if ranked else ""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A named amount of CPU and memory."""

    name: str
    vcpus: int
    memory_mib: int


SIZES: dict[str, Size] = {
    size.name: size
    for size in (
        Size(name="micro", vcpus=1, memory_mib=128),
        Size(name="small", vcpus=1, memory_mib=512),
        Size(name="medium", vcpus=2, memory_mib=2048),
        Size(name="large", vcpus=4, memory_mib=8192),
        Size(name="xlarge", vcpus=8, memory_mib=16384),
    )
}


@dataclass(frozen=True, kw_only=True)
class DiskSpec:
    """A disk that a new or edited VM gets: a blank one of `size_bytes`, or the existing `volume`.

    An empty `repository` stands for the host's default.
    """

    size_bytes: int = 0
    volume: str = ""
    repository: str = ""
    format: str = "qcow2"
    bus: str = "virtio"
    device: DeviceKind = DeviceKind.DISK


@dataclass(frozen=True, kw_only=True)
class NicSpec:
    """A network card that a new or edited VM gets; without `mac` one is made."""

    network: str = "default"
    mac: str = ""
    model: str = "virtio"


@dataclass(frozen=True, kw_only=True)
class GuestSeed:
    """What cloud-init is told at the first boot. With `user_data`, that text is passed on
    verbatim."""

    hostname: str = ""
    user: str = ""
    password_hash: str = ""
    ssh_keys: tuple[str, ...] = ()
    network_config: str = ""
    user_data: str = ""

    @property
    def given(self) -> bool:
        """Whether it says anything, so that a VM that nobody expected to need one gets it too."""
        return self != GuestSeed()


@dataclass(frozen=True, kw_only=True)
class VmSpec:
    """What a new VM shall be.

    Where `vcpus` or `memory_mib` is 0, the size says it, or the template's default size. The first
    disk is a linked clone of the template's, or blank; `disk_bytes` 0 leaves its size to the
    template (blank: 10 GiB, none if other disks are given). `iso` is `repository/volume`.
    """

    name: str
    host: str = ""
    repository: str = ""
    template: str = ""
    iso: str = ""
    vcpus: int = 0
    memory_mib: int = 0
    max_memory_mib: int = 0
    size: str = ""
    disk_bytes: int = 0
    mode: str = "auto"
    firmware: str = "bios"
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = (NicSpec(),)
    seed: GuestSeed = field(default_factory=GuestSeed)
    description: str = ""
    tags: tuple[str, ...] = ()
    autostart: bool = False
    start: bool = True


@dataclass(frozen=True, kw_only=True)
class VmCreation:
    """One or more new VMs. With `count` above 1, the spec's name is a pattern (`web-{n:02}`)."""

    spec: VmSpec
    count: int = 1
    first_number: int = 1


class PowerAction(StrEnum):
    """What the power buttons do."""

    START = "start"
    SHUTDOWN = "shutdown"
    STOP = "stop"
    REBOOT = "reboot"
    RESET = "reset"
    PAUSE = "pause"
    RESUME = "resume"
    SUSPEND = "suspend"
    DISCARD = "discard"
