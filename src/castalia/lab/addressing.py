"""What things of a lab are called on this machine and which addresses they have; nothing is done
here."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from castalia.errors import Conflict, InvalidRequest, NotFound

HOSTS_AT_MOST = 80
"""As many as there are addresses between the first host's and the guests'."""

_POOL = IPv4Network("10.76.0.0/16")
_FIRST_HOST, _FIRST_GUEST, _LAST_GUEST = 10, 100, 249
_HOST = re.compile(r"h([1-9][0-9]?)")


@dataclass(frozen=True, kw_only=True)
class Addressing:
    """The names and addresses in `lab`, whose `tag` no other on this machine has."""

    lab: str
    tag: str
    subnet: IPv4Network

    @property
    def bridge(self) -> str:
        """The lab's bridge on this machine; at most 15 characters, like every interface's name."""
        return f"lab-{self.tag}"

    @property
    def gateway(self) -> IPv4Interface:
        """The bridge's own address: the guests' DHCP server and way out."""
        return self._interface(1)

    @property
    def guests(self) -> tuple[IPv4Address, IPv4Address]:
        """The first and the last address that DHCP gives away."""
        return self.subnet[_FIRST_GUEST], self.subnet[_LAST_GUEST]

    def host(self, host: str) -> IPv4Interface:
        """The address of the host `h1`, `h2` …"""
        return self._interface(_FIRST_HOST + number(host))

    def port(self, host: str) -> str:
        """What the host's plug in the lab's bridge is called."""
        return f"lab-{self.tag}-{number(host)}"

    def name(self, host: str) -> str:
        """What the host calls itself, unlike any host of another lab."""
        return f"{self.lab}-{host}"

    def hosts_file(self) -> str:
        """The lab's /etc/hosts, with every host that it can ever have: libvirt asks for its own
        name, and without an answer waits until a name server that cannot be reached has failed to
        give one."""
        lines = [f"{self.host(host).ip} {self.name(host)}\n" for host in names(HOSTS_AT_MOST)]
        return "127.0.0.1 localhost\n" + "".join(lines)

    def mac(self, host: str = "") -> str:
        """The hardware address of the host's bridge, or of the lab's own.

        Left to itself a bridge takes that of one of its ports, and changes it as they come and go:
        then nobody finds it until their tables are outdated.
        """
        digits = hashlib.sha256(self.tag.encode()).hexdigest()
        pairs = [digits[start : start + 2] for start in range(0, 6, 2)]
        return ":".join(("0e:ca", *pairs, f"{number(host) if host else 0:02x}"))

    def _interface(self, index: int) -> IPv4Interface:
        return IPv4Interface(f"{self.subnet[index]}/{self.subnet.prefixlen}")


def tag_for(lab: str, directory: Path) -> str:
    """A word of eight characters for the lab's interfaces that is nobody else's on this machine."""
    digest = hashlib.sha256(f"{directory}".encode()).hexdigest()
    return f"{re.sub(r'[^a-z0-9]', '', lab.lower())[:4]}{digest}"[:8]


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first subnet of the labs' range that none of those `taken` overlaps. Raises Conflict."""
    others = [network for network in taken if network.overlaps(_POOL)]
    for subnet in _POOL.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in others):
            return subnet
    remedy = "Remove a route or a lab: castalia lab down"
    raise Conflict(f"All of {_POOL} is in use on this machine.", remedy=remedy)


def number(host: str) -> int:
    """Which of the lab's hosts that is, from 1. Raises NotFound for what can be none of them."""
    match = _HOST.fullmatch(host)
    if match and int(match[1]) <= HOSTS_AT_MOST:
        return int(match[1])
    raise NotFound(f"There is no lab host {host!r}.", remedy="They are called h1, h2 and so on.")


def names(hosts: int) -> tuple[str, ...]:
    """The names of that many hosts. Raises InvalidRequest for a number that cannot be."""
    if 1 <= hosts <= HOSTS_AT_MOST:
        return tuple(f"h{index}" for index in range(1, hosts + 1))
    remedy = f"Ask for 1 to {HOSTS_AT_MOST}."
    raise InvalidRequest(f"A lab cannot have {hosts} hosts.", field="hosts", remedy=remedy)
