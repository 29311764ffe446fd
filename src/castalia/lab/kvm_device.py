"""A lab host's /dev/kvm, where this machine's cannot be opened by QEMU's user.

Without udev (in containers, minimal systems) the device belongs to root alone. libvirt then finds
KVM when it probes as root, not when it checks for QEMU's user, takes its cached capabilities for
outdated, and probes anew for half a second at every definition of a VM.
"""

import grp
import os
import stat
from contextlib import suppress
from pathlib import Path

from castalia.lab.namespace import Mount, bind

_DEVICE = Path("/dev/kvm")
_MODE = stat.S_IFCHR | 0o660


def binds(node: Path, device: Path = _DEVICE) -> list[Mount]:
    """The mount that puts a node of the host's own, made at `node`, in the device's place; nothing
    where it is not needed or cannot be done."""
    with suppress(OSError, KeyError):
        found, group = device.stat(), grp.getgrnam("kvm").gr_gid
        if found.st_gid == group and found.st_mode & 0o060 == 0o060:
            return []
        _make(node, found.st_rdev, group)
        return [bind(node, str(device))]
    return []


def _make(node: Path, number: int, group: int) -> None:
    node.unlink(missing_ok=True)
    os.mknod(node, _MODE, number)
    os.chown(node, 0, group)
    node.chmod(0o660)  # whatever the umask is
