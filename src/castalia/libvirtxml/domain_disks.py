"""Edits of a domain's disks."""

from dataclasses import replace

from castalia.errors import Conflict, InvalidRequest
from castalia.libvirtxml.architectures import cd_bus
from castalia.libvirtxml.device_build import controller_element, disk_element
from castalia.libvirtxml.domain_devices import ControllerDevice, DiskDevice
from castalia.libvirtxml.domain_plan import DiskPlan
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.libvirtxml.targets import free_target
from castalia.model.vm import DeviceKind


def default_bus(device: DeviceKind, *, arch: str, machine: str) -> str:
    """The bus for a device when nobody chose one."""
    if device is DeviceKind.CDROM:
        return cd_bus(arch, machine)
    return "fdc" if device is DeviceKind.FLOPPY else "virtio"


def next_target(domain: DomainTree, bus: str) -> str:
    """The first name that a further disk on `bus` can have."""
    return free_target(bus, taken={disk.target for disk in domain.disks})


def placed(domain: DomainTree, plan: DiskPlan) -> DiskPlan:
    """The plan with bus and target chosen. Raises Conflict if its target is taken."""
    bus = plan.bus or default_bus(plan.device, arch=domain.arch, machine=domain.machine)
    if any(disk.target == plan.target for disk in domain.disks):
        remedy = f"The next free name is {next_target(domain, bus)}."
        message = f"The VM has a disk {plan.target} already."
        raise Conflict(message, field="target", remedy=remedy)
    return replace(plan, bus=bus, target=plan.target or next_target(domain, bus))


def add_disk(domain: DomainTree, plan: DiskPlan) -> DiskDevice:
    """Adds a disk. Raises InvalidRequest, and Conflict if its target is taken."""
    chosen = placed(domain, plan)
    disk = domain.disks.add(DiskDevice(disk_element(chosen)))
    if chosen.bus == "scsi" and not any(c.type == "scsi" for c in domain.controllers):
        # libvirt would add one of a model that current systems have no driver for.
        scsi = controller_element("scsi", model="virtio-scsi", index=0)
        domain.controllers.add(ControllerDevice(scsi))
    return disk


def set_medium(disk: DiskDevice, *, path: str, format: str = "raw") -> None:
    """Puts the image at `path` into the drive, or nothing when it is empty. Raises InvalidRequest
    for a disk that is no drive."""
    if not disk.removable:
        remedy = "Attach another disk instead."
        message = f"{disk.target} is not a CD or floppy drive."
        raise InvalidRequest(message, field="target", remedy=remedy)
    if path == disk.source:
        return
    if path:
        set_source(disk, path=path)
        disk.tray = ""
        if (disk.format or "raw") != format:
            disk.format = format
    else:
        _eject(disk)


def _eject(disk: DiskDevice) -> None:
    _forget_chain(disk)
    disk.drop("source")
    if disk.type not in {"file", "block"}:
        disk.type = "file"  # no other kind may be without a source


def set_source(disk: DiskDevice, *, path: str, kind: str = "file") -> None:
    """Has the disk store its bytes at `path`, a file or (`kind` block) a device; what the source
    says besides stays if it is of the same kind."""
    _forget_chain(disk)
    if disk.type != kind:
        disk.drop("source")
        disk.drop("auth")
        disk.type = kind
    if kind == "block":
        disk.source_dev = path
    else:
        disk.source_file = path
    for source in disk.element.findall("source"):
        source.attrib.pop("index", "")


def _forget_chain(disk: DiskDevice) -> None:
    """What libvirt noted of the old image's backing files would be taken for the new one's."""
    disk.drop("backingStore")
    disk.drop("mirror")
