"""Which device a piece of device XML means within a VM: disks by target, network cards by MAC."""

from dataclasses import dataclass

from castalia.libvirtxml import document
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_devices import DiskDevice, NicDevice


@dataclass(frozen=True, kw_only=True)
class DeviceIdentity:
    """A device's kind and what tells it from others; `key` is empty where nothing does."""

    kind: str
    key: str = ""

    def find(self, domain_xml: str) -> DiskDevice | NicDevice | None:
        """The device in a VM's XML, or None."""
        domain = Domain(domain_xml)
        if self.kind == DiskDevice.TAG and self.key:
            return next((disk for disk in domain.disks if disk.target == self.key), None)
        if self.kind == NicDevice.TAG and self.key:
            return next((nic for nic in domain.nics if nic.mac.lower() == self.key), None)
        return None


def identify(device_xml: str) -> DeviceIdentity:
    """What device the XML means; raises InvalidRequest for text that is no XML."""
    kind = str(document.parse(device_xml, field="device").tag)
    if kind == DiskDevice.TAG:
        return DeviceIdentity(kind=kind, key=DiskDevice(device_xml).target)
    if kind == NicDevice.TAG:
        return DeviceIdentity(kind=kind, key=NicDevice(device_xml).mac.lower())
    return DeviceIdentity(kind=kind)


def same_source(device_xml: str, found: DiskDevice | NicDevice) -> bool:
    """Whether a device that is there already is the very one that the XML would add."""
    wanted = type(found)(device_xml)
    return wanted.source == found.source
