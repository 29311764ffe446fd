"""What is built from plans: as the golden files say, as libvirt's schema allows, and as read back
it says what the plan said."""

import pytest
from tests.golden.conftest import Golden, Valid
from tests.golden.plans import DOMAINS, NETWORKS

from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_read import definition
from castalia.libvirtxml.network import build_network, parse_network
from castalia.libvirtxml.ownership import ownership
from castalia.model.vm import Definition


@pytest.mark.parametrize("name", DOMAINS)
def test_domain(name: str, golden: Golden, valid: Valid) -> None:
    text = build_domain(DOMAINS[name])
    valid("domain", text)
    golden(f"built/{name}.xml", text)


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_says_what_its_plan_said(name: str) -> None:
    plan = DOMAINS[name]
    found: Definition = definition(build_domain(plan))
    for field in ("name", "uuid", "title", "description", "arch", "domain_type", "vcpus"):
        assert getattr(found, field) == getattr(plan, field), field
    assert found.memory_mib == plan.memory_mib
    assert found.max_memory_mib == (plan.max_memory_mib or plan.memory_mib)
    assert found.max_vcpus == (plan.max_vcpus or plan.vcpus)
    assert [nic.mac for nic in found.nics] == [nic.mac for nic in plan.nics]
    assert [nic.link_up for nic in found.nics] == [nic.link_up for nic in plan.nics]
    assert ownership(build_domain(plan)) == plan.ownership


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_opens_no_port(name: str) -> None:
    found = definition(build_domain(DOMAINS[name]))
    assert {(graphics.listen, graphics.port) for graphics in found.graphics} <= {("none", -1)}


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str, golden: Golden, valid: Valid) -> None:
    text = build_network(NETWORKS[name])
    valid("network", text)
    golden(f"networks/{name}.xml", text)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_says_what_its_specification_said(name: str) -> None:
    spec = NETWORKS[name]
    found = parse_network(build_network(spec))
    assert (found.name, found.kind) == (spec.name, spec.kind)
    assert (found.cidr, found.bridge) == (spec.cidr, spec.bridge)
    assert bool(found.dhcp_start) == bool(spec.cidr and spec.dhcp)
