"""Small domains to try things on."""

from castalia.libvirtxml.domain import Domain


def domain(body: str = "", *, devices: str = "", os: str = "") -> Domain:
    """A domain with what a test needs and no more."""
    return Domain(
        f"<domain type='qemu'><name>web1</name><memory unit='MiB'>1024</memory>{body}"
        f"<os><type arch='x86_64' machine='q35'>hvm</type>{os}</os>"
        f"<devices>{devices}</devices></domain>"
    )


DISK = "<disk device='disk'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>"
DRIVE = "<disk device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
NIC = "<interface type='user'><mac address='52:54:00:00:00:0a'/></interface>"
