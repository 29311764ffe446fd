"""Which disks and network cards a VM may get."""

import re
from collections.abc import Sequence

from castalia.errors import InvalidRequest
from castalia.model.vm import DiskSpec, NicSpec
from castalia.services.vm_limits import checked_volume_size

DISK_FORMATS = ("qcow2", "raw")
NIC_MODELS = (
    *("virtio", "e1000", "e1000e", "igb", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3"),
    "netfront",
)
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE | re.ASCII)


def check_disk(disk: DiskSpec, *, prefix: str = "") -> None:
    """Raises InvalidRequest, naming a field that begins with `prefix`, for a new disk that nobody
    can make."""
    if disk.format not in DISK_FORMATS:
        remedy = f"Choose one of: {', '.join(DISK_FORMATS)}."
        raise InvalidRequest(
            f"A disk cannot be made in format {disk.format!r}.",
            field=f"{prefix}format",
            remedy=remedy,
        )
    if disk.size_bytes and not disk.volume:
        checked_volume_size(disk.size_bytes, field=f"{prefix}size_bytes")


def check_nic(nic: NicSpec, *, prefix: str = "") -> None:
    """Raises InvalidRequest, naming a field that begins with `prefix`, for a card or an address
    that there cannot be."""
    if nic.model not in NIC_MODELS:
        remedy = f"Choose one of: {', '.join(NIC_MODELS)}."
        raise InvalidRequest(
            f"There is no network card model {nic.model!r}.",
            field=f"{prefix}model",
            remedy=remedy,
        )
    if not nic.mac:
        return
    remedy = "Write six pairs of hexadecimal digits: 52:54:00:12:34:56"
    if not _MAC.fullmatch(nic.mac):
        message = f"{nic.mac!r} is no MAC address."
        raise InvalidRequest(message, field=f"{prefix}mac", remedy=remedy)
    if int(nic.mac[:2], 16) & 1:
        message = f"{nic.mac} is a multicast address, which no card can have."
        remedy = "Choose one whose first pair is even: 52:54:00:12:34:56"
        raise InvalidRequest(message, field=f"{prefix}mac", remedy=remedy)
    if int(nic.mac.replace(":", ""), 16) == 0:
        message = f"{nic.mac} is no address of a card."
        raise InvalidRequest(message, field=f"{prefix}mac", remedy=remedy)


def check_devices(disks: Sequence[DiskSpec], nics: Sequence[NicSpec], *, count: int) -> None:
    """Raises InvalidRequest naming the field (`nics[0].mac`) if `count` new VMs cannot have these
    disks and network cards."""
    for number, disk in enumerate(disks):
        check_disk(disk, prefix=f"disks[{number}].")
    seen: set[str] = set()
    for number, nic in enumerate(nics):
        check_nic(nic, prefix=f"nics[{number}].")
        if nic.mac and (nic.mac.lower() in seen or count > 1):
            raise InvalidRequest(
                f"More than one network card would have the address {nic.mac}.",
                field=f"nics[{number}].mac",
                remedy="Give each card its own address, or leave it out to get one.",
            )
        seen.add(nic.mac.lower())
