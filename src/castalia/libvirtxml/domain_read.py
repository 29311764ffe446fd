"""What a VM is made of, read from its XML; the same for VMs that were made and VMs that were
found."""

from castalia.libvirtxml.domain_devices import (
    AGENT_CHANNEL,
    DiskDevice,
    GraphicsDevice,
    NicDevice,
)
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.model.vm import Definition, DeviceKind, Disk, Graphics, Nic


def definition(text: str) -> Definition:
    """A VM's definition from its XML. Raises InvalidRequest for text that is no domain."""
    return definition_of(DomainTree(text))


def definition_of(domain: DomainTree) -> Definition:
    """A VM's definition from its tree."""
    return Definition(
        uuid=domain.uuid,
        name=domain.name,
        title=domain.title,
        description=domain.description,
        domain_type=domain.type,
        arch=domain.arch,
        machine=domain.machine,
        firmware="uefi" if domain.uefi else "bios",
        vcpus=domain.current_vcpus or domain.vcpu_limit,
        max_vcpus=domain.vcpu_limit,
        memory_mib=domain.current_memory_mib or domain.memory_mib,
        max_memory_mib=domain.memory_mib,
        disks=tuple(disk_of(disk) for disk in domain.disks),
        nics=tuple(nic_of(nic) for nic in domain.nics),
        graphics=tuple(graphics_of(graphics) for graphics in domain.graphics),
        boot=boot_of(domain),
        serial_console=_has_pty(domain),
        agent_channel=any(channel.target_name == AGENT_CHANNEL for channel in domain.channels),
    )


def disk_of(disk: DiskDevice) -> Disk:
    """A disk as users see it."""
    known = disk.device in set(DeviceKind)
    return Disk(
        target=disk.target,
        device=DeviceKind(disk.device) if known else DeviceKind.DISK,
        bus=disk.bus,
        source=disk.source,
        source_kind=disk.type,
        format=disk.format or "raw",
        read_only=disk.read_only or disk.device == "cdrom",
        serial=disk.serial,
    )


def nic_of(nic: NicDevice) -> Nic:
    """A network card as users see it."""
    return Nic(
        mac=nic.mac,
        kind=nic.type,
        network=nic.source,
        model=nic.model,
        target=nic.target,
        link_up=nic.link != "down",
    )


def graphics_of(graphics: GraphicsDevice) -> Graphics:
    """A graphical console as users see it."""
    return Graphics(kind=graphics.type, listen=graphics.listen, port=graphics.port)


def boot_of(domain: DomainTree) -> tuple[str, ...]:
    """What the VM tries to boot from, in order: disks by target (`vda`) and cards by MAC where each
    device has its order; otherwise libvirt's words (`hd`, `cdrom`, `network`, `fd`)."""
    disks = [(disk.boot_order, disk.target) for disk in domain.disks]
    nics = [(nic.boot_order, nic.mac) for nic in domain.nics]
    ordered = sorted(entry for entry in disks + nics if entry[0])
    return tuple(name for _, name in ordered) or domain.boot_words


def _has_pty(domain: DomainTree) -> bool:
    """libvirt opens consoles that are pseudo terminals and no others."""
    return any(port.type == "pty" for port in [*domain.serials, *domain.consoles])
