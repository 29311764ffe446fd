"""Networks: what is refused, and what other people's networks look like."""

from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import InvalidRequest
from castalia.libvirtxml.network import build_network, parse_network
from castalia.model.network import NetworkKind, NetworkSpec


@pytest.mark.parametrize(
    ("field", "kind", "parts"),
    [
        ("cidr", NetworkKind.NAT, {}),
        ("cidr", NetworkKind.NAT, {"cidr": "10.77.0.0/24"}),
        ("cidr", NetworkKind.NAT, {"cidr": "10.77.0.255/24"}),
        ("cidr", NetworkKind.NAT, {"cidr": "10.77.0.1"}),
        ("cidr", NetworkKind.NAT, {"cidr": "10.77.0.1/31"}),
        ("cidr", NetworkKind.NAT, {"cidr": "10.77.0.1/99"}),
        ("cidr", NetworkKind.NAT, {"cidr": "127.0.0.5/8"}),
        ("cidr", NetworkKind.NAT, {"cidr": "239.1.1.1/24"}),
        ("cidr", NetworkKind.NAT, {"cidr": "'/><evil/>"}),
        ("cidr", NetworkKind.BRIDGE, {"bridge": "br0", "cidr": "10.77.0.1/24"}),
        ("bridge", NetworkKind.BRIDGE, {}),
        ("bridge", NetworkKind.BRIDGE, {"bridge": "../../etc"}),
        ("bridge", NetworkKind.ISOLATED, {"bridge": "longer-than-fifteen"}),
        ("domain", NetworkKind.ISOLATED, {"domain": "a b"}),
        ("domain", NetworkKind.BRIDGE, {"bridge": "br0", "domain": "lab"}),
        ("kind", NetworkKind.OTHER, {}),
    ],
)
def test_refused(field: str, kind: NetworkKind, parts: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        build_network(NetworkSpec(name="n1", kind=kind, **parts))  # type: ignore[arg-type] # all str
    assert raised.value.field == field
    assert raised.value.remedy


def test_a_bad_name_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        build_network(NetworkSpec(name="../n1", kind=NetworkKind.ISOLATED))


@given(st.ip_addresses(v=4), st.integers(1, 30))
def test_the_range_is_inside_and_leaves_the_host_out(address: object, prefix: int) -> None:
    spec = NetworkSpec(name="n1", kind=NetworkKind.NAT, cidr=f"{address}/{prefix}")
    try:
        found = parse_network(build_network(spec))
    except InvalidRequest:
        return
    own = ip_interface(spec.cidr)
    first, last = ip_address(found.dhcp_start), ip_address(found.dhcp_end)
    assert first in own.network
    assert last in own.network
    assert int(first) <= int(last) <= int(first) + 65_534
    assert not int(first) <= int(own.ip) <= int(last)


@pytest.mark.parametrize(
    ("body", "kind", "cidr"),
    [
        ("<forward/>", NetworkKind.NAT, ""),
        ("<forward mode='open'/>", NetworkKind.OTHER, ""),
        ("<forward mode='bridge'><interface dev='eno1'/></forward>", NetworkKind.OTHER, ""),
        ("<forward mode='hostdev' managed='yes'/>", NetworkKind.OTHER, ""),
        ("<ip address='10.1.0.1' netmask='255.255.0.0'/>", NetworkKind.ISOLATED, "10.1.0.1/16"),
        ("<ip address='10.1.0.1'/>", NetworkKind.ISOLATED, "10.1.0.1/24"),
        (
            "<ip family='ipv6' address='fd00::1' prefix='64'/><ip address='10.1.0.1' prefix='8'/>",
            NetworkKind.ISOLATED,
            "10.1.0.1/8",
        ),
    ],
)
def test_networks_of_others(body: str, kind: NetworkKind, cidr: str) -> None:
    text = f"<network><name>n1</name><uuid>u</uuid>{body}</network>"
    found = parse_network(text, active=False, autostart=False)
    assert (found.kind, found.cidr, found.active, found.autostart) == (kind, cidr, False, False)
