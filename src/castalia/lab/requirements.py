"""What this machine must have before it can be a lab."""

import os
import shutil
import sys

from castalia.errors import Unsupported

_PACKAGES = {
    "libvirtd": "libvirt-daemon-system",
    "virtlogd": "libvirt-daemon-system",
    "virtlockd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "dnsmasq": "dnsmasq-base",
    "qemu-img": "qemu-utils",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "tc": "iproute2",
    "iptables": "iptables",
}
_SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def program(name: str) -> str:
    """The full path of a program that needs not be in PATH, as daemons often are not; Unsupported
    names the missing package."""
    if found := shutil.which(name, path=_SEARCH):
        return found
    remedy = f"Install it: apt-get install {_PACKAGES.get(name, name)}"
    raise Unsupported(f"A lab host needs {name}, which is not installed.", remedy=remedy)


def check() -> None:
    """Raises Unsupported, with the remedy, if this machine or this user cannot run lab hosts."""
    if not sys.platform.startswith("linux"):
        remedy = "Run the lab on a Linux machine, or in a Linux VM."
        raise Unsupported("Lab hosts are made of Linux namespaces.", remedy=remedy)
    if os.geteuid() != 0:
        remedy = "Run it as root: sudo castalia lab …"
        raise Unsupported("Only root can make a lab host.", remedy=remedy)
    for name in _PACKAGES:
        program(name)
