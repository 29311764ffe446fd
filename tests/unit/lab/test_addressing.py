"""Names and addresses of a lab: short enough, nobody else's, and where they belong."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound
from castalia.lab import addressing
from castalia.lab.addressing import Addressing


@pytest.fixture
def plan() -> Addressing:
    tag = addressing.tag_for("a-very-long-name", Path("/var/lib/x"))
    return Addressing(lab="a-very-long-name", tag=tag, subnet=IPv4Network("10.76.4.0/24"))


def test_the_kernel_takes_every_name(plan: Addressing) -> None:
    hosts = addressing.names(addressing.HOSTS_AT_MOST)
    interfaces = {plan.bridge, *(plan.port(host) for host in hosts)}
    assert len(interfaces) == len(hosts) + 1
    assert all(len(name) <= 15 for name in interfaces)


def test_labs_of_one_name_in_two_places_have_two_tags() -> None:
    tags = {addressing.tag_for("lab", Path(place)) for place in ("/a/lab", "/b/lab")}
    assert len(tags) == 2
    assert {len(tag) for tag in tags} == {8}


def test_hosts_and_guests_never_meet(plan: Addressing) -> None:
    first, last = plan.guests
    hosts = [plan.host(host).ip for host in addressing.names(addressing.HOSTS_AT_MOST)]
    assert str(plan.gateway) == "10.76.4.1/24"
    assert (str(hosts[0]), str(hosts[1])) == ("10.76.4.11", "10.76.4.12")
    assert (str(first), str(last)) == ("10.76.4.100", "10.76.4.249")
    assert max(hosts) < first


def test_hardware_addresses_are_local_and_differ(plan: Addressing) -> None:
    macs = {plan.mac(), *(plan.mac(host) for host in addressing.names(80))}
    assert len(macs) == 81
    assert {int(mac[:2], 16) & 0b11 for mac in macs} == {0b10}


def test_each_host_finds_each_other_by_name(plan: Addressing) -> None:
    assert "10.76.4.12 a-very-long-name-h2\n" in plan.hosts_file()
    assert plan.hosts_file().startswith("127.0.0.1 localhost\n")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "10.76.0.0/24"),
        (["192.168.122.0/24"], "10.76.0.0/24"),
        (["10.76.0.0/24", "10.76.2.0/24"], "10.76.1.0/24"),
        (["10.76.0.128/25"], "10.76.1.0/24"),
        (["10.76.0.0/20"], "10.76.16.0/24"),
        (["10.76.0.7/32"], "10.76.1.0/24"),
    ],
)
def test_a_free_subnet_overlaps_no_route(taken: list[str], free: str) -> None:
    networks = [IPv4Network(each) for each in taken]
    assert addressing.free_subnet(networks) == IPv4Network(free)


def test_no_subnet_is_free_within_a_route_to_everything_near() -> None:
    with pytest.raises(Conflict):
        addressing.free_subnet([IPv4Network("10.0.0.0/8")])


@pytest.mark.parametrize("host", ["", "h0", "h01", "h81", "h100", "1", "../h1", "h1\n", "H1"])
def test_other_names_are_no_hosts(host: str) -> None:
    with pytest.raises(NotFound):
        addressing.number(host)


@pytest.mark.parametrize("hosts", [-1, 0, 81])
def test_no_lab_has_so_many_hosts(hosts: int) -> None:
    with pytest.raises(InvalidRequest):
        addressing.names(hosts)
