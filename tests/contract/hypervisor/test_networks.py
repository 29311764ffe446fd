"""Networks, made and removed."""

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound
from castalia.model.network import NetworkKind, NetworkSpec

LAB = NetworkSpec(name="contract", kind=NetworkKind.ISOLATED, cidr="10.91.7.1/24")
NAT = NetworkSpec(name="contract-nat", kind=NetworkKind.NAT, cidr="10.91.8.1/24")


@pytest.fixture(autouse=True)
def removed(bench):
    yield
    for spec in (LAB, NAT):
        bench.driver.remove_network(spec.name)


def named(bench, name):
    return next((facts for facts in bench.driver.networks() if facts.name == name), None)


@pytest.mark.parametrize("spec", [LAB, NAT])
def test_a_network_is_made_once(bench, spec):
    made = bench.driver.define_network(spec)
    again = bench.driver.define_network(spec)

    assert made == again == named(bench, spec.name)
    assert (made.kind, made.cidr) == (spec.kind, spec.cidr)
    assert made.uuid
    assert made.bridge
    assert made.dhcp_start
    assert made.active
    assert made.autostart
    bench.signals.wait("network", made.uuid, spec.name)


def test_a_name_stands_for_one_network(bench):
    bench.driver.define_network(LAB)
    other = NetworkSpec(name=LAB.name, kind=NetworkKind.ISOLATED, cidr="10.91.9.1/24")
    with pytest.raises(Conflict) as caught:
        bench.driver.define_network(other)
    assert caught.value.code == "network.name-taken"
    assert named(bench, LAB.name).cidr == LAB.cidr


def test_addresses_belong_to_one_network(bench):
    bench.driver.define_network(LAB)
    with pytest.raises(Conflict) as caught:
        bench.driver.define_network(NetworkSpec(name=NAT.name, kind=NetworkKind.NAT, cidr=LAB.cidr))
    assert caught.value.code == "network.in-use"
    assert named(bench, NAT.name) is None


def test_a_network_without_an_address_is_refused(bench):
    with pytest.raises(InvalidRequest):
        bench.driver.define_network(NetworkSpec(name="contract", kind=NetworkKind.NAT))


def test_a_removed_network_is_gone(bench):
    bench.driver.define_network(LAB)
    bench.driver.remove_network(LAB.name)
    bench.driver.remove_network(LAB.name)
    assert named(bench, LAB.name) is None
    with pytest.raises(NotFound) as caught:
        bench.driver.leases(LAB.name)
    assert caught.value.code == "network.not-found"


def test_a_new_network_has_no_leases(bench):
    bench.driver.define_network(LAB)
    assert bench.driver.leases(LAB.name) == []
