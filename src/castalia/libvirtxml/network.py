"""libvirt's networks: a new one's XML from what it shall be, and facts from XML.

Source: https://libvirt.org/formatnetwork.html.
"""

import re
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from castalia.errors import InvalidRequest
from castalia.libvirtxml.document import Element, element, indented, to_text
from castalia.libvirtxml.xmlnode import Children, Flag, Node, Text
from castalia.model.names import checked_name
from castalia.model.network import NetworkFacts, NetworkKind, NetworkSpec

_FORWARD = {NetworkKind.NAT: "nat", NetworkKind.ROUTED: "route", NetworkKind.BRIDGE: "bridge"}
_KINDS = {"": NetworkKind.ISOLATED, **{word: kind for kind, word in _FORWARD.items()}}
_MOST_LEASES = 2**16 - 2
"""libvirt refuses a longer DHCP range."""
_DEVICE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE | re.ASCII)

Interface = IPv4Interface | IPv6Interface


class AddressBlock(Node):
    """The host's address in a network, and the addresses that it gives out."""

    TAG = "ip"
    family = Text("@family", default="ipv4")
    address = Text("@address")
    prefix = Text("@prefix")
    netmask = Text("@netmask")
    dhcp_start = Text("dhcp/range/@start")
    dhcp_end = Text("dhcp/range/@end")

    @property
    def cidr(self) -> str:
        """The address with its prefix; libvirt writes a netmask where it was given one."""
        if not self.address:
            return ""
        prefix = self.prefix or self.netmask or ("64" if self.family == "ipv6" else "24")
        return str(ip_interface(f"{self.address}/{prefix}"))


class NetworkDefinition(Node):
    """A `<network>`."""

    TAG = "network"
    name = Text("name")
    uuid = Text("uuid")
    forward = Text("forward/@mode")
    forwards = Flag("forward")
    bridge = Text("bridge/@name")
    domain = Text("domain/@name")
    blocks = Children("", AddressBlock)

    @property
    def kind(self) -> NetworkKind:
        """How it reaches the outside; a `<forward>` without a mode means NAT."""
        mode = self.forward or ("nat" if self.forwards else "")
        kind = _KINDS.get(mode, NetworkKind.OTHER)
        return NetworkKind.OTHER if kind is NetworkKind.BRIDGE and not self.bridge else kind


def parse_network(text: str, *, active: bool = True, autostart: bool = True) -> NetworkFacts:
    """A network from its XML; its IPv4 block where it has several. Raises InvalidRequest for text
    that is no network."""
    network = NetworkDefinition(text)
    blocks = sorted(network.blocks, key=lambda block: block.family == "ipv6")
    block = blocks[0] if blocks else AddressBlock()
    return NetworkFacts(
        name=network.name,
        uuid=network.uuid,
        kind=network.kind,
        bridge=network.bridge,
        cidr=block.cidr,
        dhcp_start=block.dhcp_start,
        dhcp_end=block.dhcp_end,
        active=active,
        autostart=autostart,
    )


def build_network(spec: NetworkSpec, *, uuid: str = "") -> str:
    """The XML of a new network. Raises InvalidRequest for what contradicts itself."""
    checked_name(spec.name)
    _check_words(spec)
    block = None if spec.kind is NetworkKind.BRIDGE else _block(spec)
    mode = _FORWARD.get(spec.kind, "")
    root = element(
        "network",
        None,
        element("name", text=spec.name),
        element("uuid", text=uuid) if uuid else None,
        element("forward", {"mode": mode}) if mode else None,
        _bridge(spec),
        element("domain", {"name": spec.domain, "localOnly": "yes"}) if spec.domain else None,
        block,
    )
    return to_text(indented(root))


def _check_words(spec: NetworkSpec) -> None:
    bridged = spec.kind is NetworkKind.BRIDGE
    if spec.kind is NetworkKind.OTHER:
        remedy = "Use nat, isolated, routed or bridge."
        raise InvalidRequest("A network of that kind cannot be made.", field="kind", remedy=remedy)
    if (spec.bridge or bridged) and not _DEVICE.fullmatch(spec.bridge):
        remedy = "Name a bridge of the host: 1 to 15 letters, digits, dots, dashes, underscores."
        raise InvalidRequest(f"{spec.bridge!r} cannot be a bridge.", field="bridge", remedy=remedy)
    if bridged and (spec.cidr or spec.domain):
        remedy = "Leave it out: the bridge's own network gives addresses and names."
        message = "A network on a bridge has no addresses or names of its own."
        raise InvalidRequest(message, field="cidr" if spec.cidr else "domain", remedy=remedy)
    if spec.domain and not _DOMAIN.fullmatch(spec.domain):
        remedy = "Write a domain such as lab.example."
        raise InvalidRequest(f"{spec.domain!r} is no domain.", field="domain", remedy=remedy)


def _bridge(spec: NetworkSpec) -> Element | None:
    """The network's own bridge; libvirt names it when nobody did."""
    if spec.kind is NetworkKind.BRIDGE:
        return element("bridge", {"name": spec.bridge})
    return element("bridge", {"name": spec.bridge, "stp": "on", "delay": "0"})


def _block(spec: NetworkSpec) -> Element | None:
    if not spec.cidr:
        if spec.kind is NetworkKind.ISOLATED:
            return None
        remedy = "Write the host's address with the prefix, such as 10.77.0.1/24."
        raise InvalidRequest("The network needs an address.", field="cidr", remedy=remedy)
    own = _own_address(spec.cidr)
    attributes = {
        "family": "ipv6" if own.version == 6 else "",
        "address": str(own.ip),
        "prefix": own.network.prefixlen,
    }
    return element("ip", attributes, _dhcp(own) if spec.dhcp else None)


def _own_address(cidr: str) -> Interface:
    """The host's address in the network; raises InvalidRequest where there is no room for
    others."""
    remedy = "Write the host's address with the prefix, such as 10.77.0.1/24."
    try:
        own = ip_interface(cidr)
    except ValueError as error:
        message = f"{cidr!r} is not an address with a prefix."
        raise InvalidRequest(message, field="cidr", remedy=remedy, detail=str(error)) from error
    network = own.network
    edges = {network.network_address, network.broadcast_address}
    if "/" not in cidr or network.num_addresses < 4 or own.ip in edges:
        message = f"{cidr} is not the address of a host among others."
        raise InvalidRequest(message, field="cidr", remedy=remedy)
    if own.is_multicast or own.is_loopback or own.is_unspecified:
        raise InvalidRequest(f"{cidr} cannot be a host's.", field="cidr", remedy=remedy)
    return own


def _dhcp(own: Interface) -> Element:
    """The longer of the two stretches below and above the host's own address."""
    low = int(own.network.network_address) + 1
    high = int(own.network.broadcast_address) - 1
    mine = int(own.ip)
    first, last = (mine + 1, high) if high - mine >= mine - low else (low, mine - 1)
    last = min(last, first + _MOST_LEASES - 1)
    kind = type(own.ip)
    limits = {"start": str(kind(first)), "end": str(kind(last))}
    return element("dhcp", None, element("range", limits))
