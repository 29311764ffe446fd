"""A last look, on the host itself, at whether a VM uses a volume that is about to be deleted.

What the manager has written down compares paths as they are written; a definition may name the same
file through a link, with `..`, or as a pool's volume.
"""

import os.path
import posixpath
from collections.abc import Iterator

import libvirt

from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_devices import DiskDevice
from castalia.storage import refusals

_INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE


def check_unused(handle: libvirt.virConnect, volume: libvirt.virStorageVol, *, local: bool) -> None:
    """Raises Conflict naming the VM that uses it. Links are only seen through where the host is
    this machine (`local`)."""
    wanted = _same(volume.path(), local=local)
    for domain in handle.listAllDomains(0):
        for disk in _disks(domain):
            path = _path(handle, disk)
            if path and _same(path, local=local) == wanted:
                raise refusals.used(volume.name(), domain.name())


def _disks(domain: libvirt.virDomain) -> Iterator[DiskDevice]:
    try:
        yield from Domain(domain.XMLDesc(0)).disks
        if domain.isActive() and domain.isPersistent():
            yield from Domain(domain.XMLDesc(_INACTIVE)).disks
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise  # else it went away meanwhile, and uses nothing


def _path(handle: libvirt.virConnect, disk: DiskDevice) -> str:
    if disk.type != "volume":
        return disk.source_file or disk.source_dev
    try:
        pool = handle.storagePoolLookupByName(disk.source_pool)
        return str(pool.storageVolLookupByName(disk.source_volume).path())
    except libvirt.libvirtError:
        return ""  # the VM could not start with it either


def _same(path: str, *, local: bool) -> str:
    return os.path.realpath(path) if local else posixpath.normpath(path)
