"""A real libvirt takes what is built and what is edited, and understands it as we do."""

from collections.abc import Iterator

import libvirt
import pytest
from tests.golden.conftest import HERE
from tests.golden.edits import EDITS
from tests.golden.plans import DOMAINS, NETWORKS

from castalia.errors import CallerError
from castalia.lab.host import LabHost
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_read import definition
from castalia.libvirtxml.network import build_network, parse_network
from castalia.model.vm import Definition

pytestmark = pytest.mark.real

ADOPTED = sorted(path.stem for path in (HERE / "adopted").glob("*.xml"))
_LACKS = (
    "No emulator found",
    "Cannot check QEMU binary",
    "TPM version",
    "does not support machine",
)
_UNDEFINE = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
_SAME = ("name", "title", "vcpus", "max_vcpus", "memory_mib", "max_memory_mib", "firmware")


@pytest.fixture(scope="module")
def host(lab_host: LabHost) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(lab_host.uri)
    libvirt.registerErrorHandler(lambda *_: None, None)
    yield connection
    connection.close()


def _taken(host: libvirt.virConnect, text: str) -> str:
    """The XML as libvirt stores it; skips what this machine's QEMU has no parts for."""
    try:
        domain = host.defineXML(text)
    except libvirt.libvirtError as error:
        if any(lack in str(error) for lack in _LACKS):
            pytest.skip(str(error))
        raise
    stored = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.undefineFlags(_UNDEFINE)
    return str(stored)


def _sources(found: Definition) -> dict[str, str]:
    return {disk.target: disk.source for disk in found.disks}


def _adopted(name: str) -> str:
    """The definition without a TPM, for which this machine may have no emulator."""
    domain = Domain((HERE / "adopted" / f"{name}.xml").read_text())
    domain.drop("devices/tpm")
    return domain.text()


def _same(text: str, stored: str) -> None:
    ours, theirs = definition(text), definition(stored)
    assert [getattr(theirs, field) for field in _SAME] == [getattr(ours, field) for field in _SAME]
    assert _sources(theirs) == _sources(ours)
    assert [nic.link_up for nic in theirs.nics] == [nic.link_up for nic in ours.nics]


@pytest.mark.parametrize("name", [name for name in DOMAINS if name != "test-driver"])
def test_built_domains(name: str, host: libvirt.virConnect) -> None:
    text = build_domain(DOMAINS[name])
    _same(text, _taken(host, text))


@pytest.mark.parametrize("name", ADOPTED)
def test_edited_domains(name: str, host: libvirt.virConnect) -> None:
    stored = _taken(host, _adopted(name))
    for edit in EDITS:
        domain = Domain(stored)
        try:
            edit.apply(domain)
        except CallerError:
            continue
        _same(domain.text(), _taken(host, domain.text()))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, host: libvirt.virConnect) -> None:
    spec = NETWORKS[name]
    network = host.networkDefineXML(build_network(spec))
    try:
        found = parse_network(network.XMLDesc())
        assert (found.kind, found.cidr) == (spec.kind, spec.cidr)
        network.create()
        network.destroy()
    finally:
        network.undefine()


def test_the_note_goes_through_libvirt() -> None:
    connection = libvirt.open("test:///default")
    domain = connection.defineXML(build_domain(DOMAINS["test-driver"]))
    plan = Domain(build_domain(DOMAINS["everything"]))
    domain.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, plan.ownership_text, "castalia", "urn:castalia:vm:1"
    )
    assert Domain(domain.XMLDesc()).ownership == plan.ownership
    connection.close()
