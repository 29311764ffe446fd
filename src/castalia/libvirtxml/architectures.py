"""What differs between guest architectures when a domain is built."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How QEMU's usual machine of one architecture is furnished.

    `emulated_cpu` is named because without one, some machines take a CPU that boots no current
    system (aarch64: a 32-bit one).
    """

    machine: str
    emulated_cpu: str = ""
    cd_bus: str = "scsi"
    video: str = "virtio"
    acpi: str = "never"
    watchdog: str = "i6300esb"
    pcie: bool = True
    usb: bool = True
    keyboard: bool = True
    is_pc: bool = False


_PC = Architecture(
    machine="q35",
    emulated_cpu="qemu64",
    cd_bus="sata",
    video="vga",
    acpi="always",
    keyboard=False,
    is_pc=True,
)
_KNOWN = {
    "x86_64": _PC,
    "i686": Architecture(
        machine="q35", cd_bus="sata", video="vga", acpi="always", keyboard=False, is_pc=True
    ),
    "aarch64": Architecture(machine="virt", emulated_cpu="cortex-a57", acpi="uefi"),
    "riscv64": Architecture(machine="virt"),
    "ppc64le": Architecture(machine="pseries", video="vga", pcie=False),
    "ppc64": Architecture(machine="pseries", video="vga", pcie=False),
    "s390x": Architecture(
        machine="s390-ccw-virtio", watchdog="diag288", pcie=False, usb=False, keyboard=False
    ),
}
_OTHER = Architecture(machine="virt")


def architecture(name: str) -> Architecture:
    """The furniture for an architecture in libvirt's spelling; a plain one where it is unknown."""
    return _KNOWN.get(name, _OTHER)


def is_pcie(arch: str, machine: str) -> bool:
    """Whether devices sit on PCI Express, where hot-plugging needs spare root ports."""
    traits = architecture(arch)
    return "q35" in machine if traits.is_pc and machine else traits.pcie


def cd_bus(arch: str, machine: str) -> str:
    """The bus on which every guest of this machine finds a CD drive."""
    old_pc = architecture(arch).is_pc and machine and "q35" not in machine
    return "ide" if old_pc else architecture(arch).cd_bus
