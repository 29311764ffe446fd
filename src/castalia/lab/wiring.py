"""How a lab host is wired to others: its address, its plug, its papers, what it shares."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

PKI = Path("/etc/libvirt/pki")
"""Where a wired host sees its certificates."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What makes of a lab host one of several.

    `bridge` is the lab's on this machine and `port` the host's plug in it. `certificates` is what
    `Authority.write_host` has filled, `client` what `Authority.write_client` has; `names` holds
    files that the host sees in place of this machine's in /etc. Whatever is in `shared` must be the
    same directory on each host. `leases`, if given, is one of these: there hosts lease the disks of
    running VMs, so that none can be written from two.
    """

    address: IPv4Interface
    mac: str
    gateway: IPv4Address
    bridge: str
    port: str
    certificates: Path
    client: Path
    names: Path
    shared: tuple[Path, ...] = ()
    leases: Path | None = None

    @property
    def uri(self) -> str:
        """The host's address for libvirt, in this machine and in every host of the lab."""
        return f"qemu+tls://{self.address.ip}/system?pkipath={self.client}"
