"""The definition of a copy: everything that may exist only once is new or left to libvirt."""

from collections.abc import Mapping, Sequence

from castalia.errors import InvalidRequest
from castalia.libvirtxml import document
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_devices import AGENT_CHANNEL, ChannelDevice, DiskDevice
from castalia.libvirtxml.domain_disks import set_source
from castalia.model.ids import new_uuid

_LIBVIRT_SOCKETS = ("/lib/libvirt/qemu/", "/run/libvirt/", "/libvirt/qemu/channel/")


def cloned(
    text: str,
    *,
    name: str,
    uuid: str,
    macs: Sequence[str],
    paths: Mapping[str, str],
    genid: str = "",
) -> str:
    """The XML of a copy called `name`. `macs` has an address for each card in order, `paths` maps
    the sources of disks that were copied to their copies.

    Disks that cannot be written are shared. Raises InvalidRequest when a writable disk has no
    copy, for then two VMs would write to one disk, or when the number of addresses is wrong.
    """
    domain = Domain(text)
    domain.element.attrib.pop("id", "")
    domain.name, domain.uuid = name, uuid
    if domain.has("genid"):
        domain.genid = genid or new_uuid()
    _set_smbios_uuid(domain, uuid)
    _forget_nvram(domain)
    for disk in domain.disks:
        _copy_disk(disk, paths)
    _set_macs(domain, macs)
    for channel in domain.channels:
        _free_socket(channel)
    _free_displays(domain)
    return domain.text()


def _set_smbios_uuid(domain: Domain, uuid: str) -> None:
    """libvirt refuses a VM whose SMBIOS tells another UUID."""
    for entry in domain.element.findall("sysinfo/system/entry[@name='uuid']"):
        document.set_content(entry, uuid)


def _forget_nvram(domain: Domain) -> None:
    """libvirt makes new firmware variables from the template."""
    domain.nvram = ""
    domain.drop("os/nvram/source")
    nvram = domain.element.find("os/nvram")
    if nvram is not None:
        nvram.attrib.pop("type", "")
        if not nvram.attrib:
            document.remove(nvram)


def _copy_disk(disk: DiskDevice, paths: Mapping[str, str]) -> None:
    if disk.source in paths:
        path = paths[disk.source]
        set_source(disk, path=path, kind="block" if path.startswith("/dev/") else "file")
        if disk.device == "lun" and disk.type == "file":
            disk.device = "disk"  # a file cannot pass SCSI commands through
    elif disk.source and not (disk.read_only or disk.shareable or disk.removable):
        remedy = "Copy it first, or detach it."
        message = f"The disk {disk.target} can be written and has no copy for the clone."
        raise InvalidRequest(message, field="disks", remedy=remedy)


def _set_macs(domain: Domain, macs: Sequence[str]) -> None:
    nics = list(domain.nics)
    if len(nics) != len(macs):
        message = f"The VM has {len(nics)} network cards, and {len(macs)} addresses were given."
        raise InvalidRequest(message, field="macs", remedy="Give an address for each card.")
    for nic, mac in zip(nics, macs, strict=True):
        nic.mac = mac
        nic.drop("target")
        for port in nic.element.findall("virtualport/parameters"):
            port.attrib.pop("interfaceid", "")


def _free_socket(channel: ChannelDevice) -> None:
    """libvirt chooses a socket of its own for the copy."""
    chosen_by_libvirt = any(part in channel.source_path for part in _LIBVIRT_SOCKETS)
    if channel.type == "unix" and (channel.target_name == AGENT_CHANNEL or chosen_by_libvirt):
        channel.drop("source")


def _free_displays(domain: Domain) -> None:
    """A fixed port or socket could serve only one of the two VMs at a time."""
    for graphics in domain.graphics:
        if graphics.port > 0:
            graphics.port, graphics.autoport = -1, True
        graphics.socket_path = graphics.listen_socket = ""
