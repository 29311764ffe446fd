"""Networks that NICs plug into."""

from dataclasses import dataclass
from enum import StrEnum


class NetworkKind(StrEnum):
    """How a network reaches the outside."""

    NAT = "nat"
    ISOLATED = "isolated"
    BRIDGE = "bridge"
    ROUTED = "routed"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What a new network shall be. `cidr` is the host's address with prefix (10.77.0.1/24); a
    bridge has none."""

    name: str
    kind: NetworkKind
    cidr: str = ""
    dhcp: bool = True
    bridge: str = ""
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """A network as its host reports it."""

    name: str
    uuid: str
    kind: NetworkKind
    bridge: str = ""
    cidr: str = ""
    dhcp_start: str = ""
    dhcp_end: str = ""
    active: bool = True
    autostart: bool = True


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network as the manager knows it."""

    id: str
    host_id: str
    host_name: str = ""
    facts: NetworkFacts
    nic_count: int = 0
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class Lease:
    """An address that a network's DHCP server gave out."""

    mac: str
    ip: str
    prefix: int
    hostname: str = ""
