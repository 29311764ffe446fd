"""What a domain to be built shall have: plain data, in libvirt's words."""

from dataclasses import dataclass

from castalia.model.vm import DeviceKind, Ownership


@dataclass(frozen=True, kw_only=True)
class DiskPlan:
    """A disk or drive. Without `path` a CD drive is empty; without `bus` and `target` they are
    chosen. `source_kind` is file or block; `cache` is libvirt's word, empty for its default."""

    path: str = ""
    source_kind: str = "file"
    format: str = "qcow2"
    bus: str = ""
    device: DeviceKind = DeviceKind.DISK
    target: str = ""
    read_only: bool = False
    serial: str = ""
    cache: str = ""


@dataclass(frozen=True, kw_only=True)
class NicPlan:
    """A network card. `kind` is network, bridge, direct (a host's interface, by macvtap) or user;
    `source` is the network's, bridge's or interface's name, and nothing for user."""

    mac: str
    kind: str = "network"
    source: str = ""
    model: str = "virtio"
    link_up: bool = True


@dataclass(frozen=True, kw_only=True)
class DomainPlan:
    """A whole VM.

    `memory_mib` is what the guest has at first, `max_memory_mib` what the balloon can give it
    (0: the same); `hotplug_memory_mib` adds room for memory modules in `memory_slots` slots.
    `vcpus` are plugged in at first, `max_vcpus` can be (0: the same). `cpu` is a mode (host-model,
    host-passthrough, maximum), a model's name, or empty for the default of the domain type.
    `firmware` is bios, uefi or uefi-secure. `boot` names libvirt's words, disk targets or MACs;
    empty: the first disk, then the CD drives. `seed_path` is a disk image for cloud-init.
    """

    name: str
    uuid: str
    memory_mib: int
    max_memory_mib: int = 0
    hotplug_memory_mib: int = 0
    memory_slots: int = 8
    vcpus: int = 1
    max_vcpus: int = 0
    domain_type: str = "qemu"
    arch: str = "x86_64"
    machine: str = ""
    emulator: str = ""
    firmware: str = "bios"
    cpu: str = ""
    title: str = ""
    description: str = ""
    genid: str = ""
    disks: tuple[DiskPlan, ...] = ()
    nics: tuple[NicPlan, ...] = ()
    seed_path: str = ""
    iso: str = ""
    boot: tuple[str, ...] = ()
    kernel: str = ""
    initrd: str = ""
    cmdline: str = ""
    ownership: Ownership | None = None
    vnc: bool = True
    tablet: bool = True
    agent: bool = True
    serial_console: bool = True
    balloon_stats_period_s: int = 10
    spare_ports: int = 6
    vmcoreinfo: bool = False
    tpm: bool = False
    watchdog_action: str = ""
    on_poweroff: str = "destroy"
    on_reboot: str = "restart"
    on_crash: str = "destroy"
