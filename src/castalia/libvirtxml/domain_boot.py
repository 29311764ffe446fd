"""The order in which a VM tries to boot from its devices.

libvirt has two ways and forbids to mix them: words for kinds of devices in `<os>`, or a number at
each device. A definition keeps the way it has, unless a single device is named.
"""

from castalia.errors import InvalidRequest
from castalia.libvirtxml import document
from castalia.libvirtxml.document import Element
from castalia.libvirtxml.domain_devices import DiskDevice, NicDevice
from castalia.libvirtxml.domain_tree import DomainTree

_WORDS = ("hd", "cdrom", "network", "fd")
_ORDERS = {**DiskDevice.ORDER, **NicDevice.ORDER}
_DEVICES = {"hd": "disk", "cdrom": "cdrom", "fd": "floppy"}


def set_boot(domain: DomainTree, order: tuple[str, ...]) -> None:
    """Sets what the VM boots from: libvirt's words (hd, cdrom, network, fd), disk targets, MACs.

    Raises InvalidRequest for a device that the VM does not have or that is named twice.
    """
    if len(set(order)) != len(order):
        raise InvalidRequest("A device is named twice in the boot order.", field="boot")
    if all(entry in _WORDS for entry in order) and not domain.element.findall("devices/*/boot"):
        domain.boot_words = order
        return
    chosen = [found for entry in order for found in _devices(domain, entry)]
    domain.boot_words = ()
    _number(domain, list(dict.fromkeys(chosen)))


def _devices(domain: DomainTree, entry: str) -> list[Element]:
    if entry in _DEVICES:
        kind = _DEVICES[entry]
        found = [disk.element for disk in domain.disks if disk.device == kind]
        return found[:1] if entry == "hd" else found
    if entry == "network":
        return [nic.element for nic in domain.nics]
    named = [disk.element for disk in domain.disks if disk.target == entry]
    named += [nic.element for nic in domain.nics if nic.mac.lower() == entry.lower()]
    if not named:
        targets = [disk.target for disk in domain.disks] + [nic.mac for nic in domain.nics]
        remedy = f"Use some of: {', '.join([*_WORDS, *targets])}."
        raise InvalidRequest(f"The VM has no {entry!r} to boot from.", field="boot", remedy=remedy)
    return named


def _number(domain: DomainTree, devices: list[Element]) -> None:
    for boot in domain.element.findall("devices/*/boot"):
        if boot.getparent() not in devices:
            document.remove(boot)
    for order, device in enumerate(devices, start=1):
        if device.find("boot") is None:
            places = _ORDERS.get(str(device.tag), ())
            document.insert(device, document.element("boot"), order=places)
        for boot in device.findall("boot"):
            boot.set("order", str(order))
