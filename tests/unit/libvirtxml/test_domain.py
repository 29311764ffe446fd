"""Edits of a domain: what they refuse, and the corners that adopted definitions do not show."""

import pytest
from tests.unit.libvirtxml.domains import DISK, DRIVE, NIC, domain

from castalia.errors import Conflict, InvalidRequest, NotFound
from castalia.libvirtxml.domain_plan import DiskPlan, NicPlan
from castalia.libvirtxml.domain_read import definition_of
from castalia.libvirtxml.ownership import ownership_from_metadata
from castalia.model.vm import DeviceKind, Ownership

_TOPOLOGY = "<vcpu>4</vcpu><cpu><topology sockets='1' cores='2' threads='2'/></cpu>"
_PAGES = (
    "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>"
    "<cpu><numa><cell id='0' cpus='0-1' memory='1024' unit='MiB'/></numa></cpu>"
)


def test_vcpus_default_to_one() -> None:
    found = definition_of(domain())
    assert (found.vcpus, found.max_vcpus) == (1, 1)


def test_vcpus_below_and_at_the_maximum() -> None:
    edited = domain("<vcpu current='2'>4</vcpu>")
    edited.set_vcpus(4)
    assert (edited.current_vcpus, edited.max_vcpus) == (0, 4)
    edited.set_vcpus(1, max_vcpus=2)
    assert (edited.current_vcpus, edited.max_vcpus) == (1, 2)


@pytest.mark.parametrize("vcpus", [0, -1])
def test_no_vcpus_are_refused(vcpus: int) -> None:
    with pytest.raises(InvalidRequest):
        domain().set_vcpus(vcpus)


def test_more_vcpus_than_the_given_maximum_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        domain().set_vcpus(4, max_vcpus=2)


def test_vcpus_that_break_the_topology_are_refused_and_others_are_not() -> None:
    edited = domain(_TOPOLOGY)
    edited.set_vcpus(3)
    with pytest.raises(InvalidRequest, match="topology") as raised:
        edited.set_vcpus(6)
    assert "4 vCPUs each" in raised.value.remedy


def test_a_maximum_below_the_numa_nodes_is_refused() -> None:
    edited = domain("<vcpu>2</vcpu>" + _PAGES)
    with pytest.raises(InvalidRequest, match="NUMA"):
        edited.set_vcpus(1, max_vcpus=1)


@pytest.mark.parametrize("memory_mib", [0, -5])
def test_no_memory_is_refused(memory_mib: int) -> None:
    with pytest.raises(InvalidRequest):
        domain().set_memory(memory_mib)


def test_memory_that_breaks_huge_pages_is_refused() -> None:
    edited = domain(_PAGES)
    with pytest.raises(InvalidRequest) as raised:
        edited.set_memory(1500)
    assert "1024 MiB" in raised.value.remedy
    edited.set_memory(2048)
    assert [cell.memory_mib for cell in edited.numa_cells] == [2048]


def test_a_lower_maximum_takes_the_current_memory_down() -> None:
    edited = domain("<currentMemory unit='MiB'>1024</currentMemory>")
    edited.set_memory(256, max_memory_mib=512)
    assert (edited.memory_mib, edited.current_memory_mib) == (512, 256)


def test_boot_order_refuses_what_is_not_there() -> None:
    with pytest.raises(InvalidRequest, match="vdz") as raised:
        domain(devices=DISK).set_boot_order(("vdz",))
    assert "vda" in raised.value.remedy
    with pytest.raises(InvalidRequest, match="twice"):
        domain(devices=DISK).set_boot_order(("vda", "vda"))


def test_a_named_device_replaces_words() -> None:
    edited = domain(devices=DISK + DRIVE + NIC, os="<boot dev='hd'/>")
    edited.set_boot_order(("cdrom", "vda"))
    assert definition_of(edited).boot == ("sda", "vda")
    assert edited.boot_words == ()
    edited.set_boot_order(("network", "hd"))
    assert definition_of(edited).boot == ("52:54:00:00:00:0a", "vda")


def test_disks_are_found_by_target_and_cards_by_mac() -> None:
    found = domain(devices=DISK + NIC)
    assert found.disk("vda").source == "/a.img"
    assert found.nic("52:54:00:00:00:0A").type == "user"
    with pytest.raises(NotFound) as raised:
        found.disk("vdb")
    assert "vda" in raised.value.remedy
    with pytest.raises(NotFound):
        found.nic("52:54:00:00:00:0b")


def test_a_taken_target_and_a_taken_mac_are_conflicts() -> None:
    edited = domain(devices=DISK + NIC)
    with pytest.raises(Conflict) as raised:
        edited.add_disk(DiskPlan(path="/b.img", target="vda"))
    assert "vdb" in raised.value.remedy
    with pytest.raises(Conflict):
        edited.new_disk_text(path="/b.img", target="vda")
    with pytest.raises(Conflict):
        edited.add_nic(NicPlan(mac="52:54:00:00:00:0A", kind="user"))
    with pytest.raises(Conflict):
        edited.new_nic_text(mac="52:54:00:00:00:0a", source="default")


def test_a_new_drive_takes_the_bus_of_the_machine() -> None:
    assert domain().add_disk(DiskPlan(device=DeviceKind.CDROM)).bus == "sata"
    old = domain()
    old.machine = "pc-i440fx-7.2"
    assert old.add_disk(DiskPlan(device=DeviceKind.CDROM)).target == "hda"


@pytest.mark.parametrize(
    "plan",
    [
        DiskPlan(),
        DiskPlan(path="/a", source_kind="network"),
    ],
)
def test_impossible_disks_are_refused(plan: DiskPlan) -> None:
    with pytest.raises(InvalidRequest):
        domain().add_disk(plan)


@pytest.mark.parametrize(
    "plan",
    [
        NicPlan(mac="52:54:00:00:00:01"),
        NicPlan(mac="52:54:00:00:00:01", kind="user", source="x"),
        NicPlan(mac="52:54:00:00:00:01", kind="pigeon", source="x"),
    ],
)
def test_impossible_cards_are_refused(plan: NicPlan) -> None:
    with pytest.raises(InvalidRequest):
        domain().add_nic(plan)


def test_a_disk_has_no_medium_to_change() -> None:
    with pytest.raises(InvalidRequest, match="vda"):
        domain(devices=DISK).set_medium("vda", path="/x.iso")


def test_a_medium_of_another_format() -> None:
    edited = domain(devices=DRIVE)
    edited.set_medium("sda", path="/x.qcow2", format="qcow2")
    assert (edited.disk("sda").source, edited.disk("sda").format) == ("/x.qcow2", "qcow2")


@pytest.mark.parametrize("value", ["/tmp/\x00", "a\x1bb", "\ud800"])
def test_text_that_xml_cannot_hold_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest):
        domain(devices=DRIVE).set_medium("sda", path=value)
    with pytest.raises(InvalidRequest):
        domain().set_ownership(Ownership(tags=(value,)))


def test_ownership_of_a_found_vm() -> None:
    found = domain()
    assert found.ownership is None
    assert found.ownership_text == ""
    note = Ownership(template="a", tags=("x",))
    found.set_ownership(note)
    assert ownership_from_metadata(found.ownership_text) == note
    found.set_ownership(None)
    assert found.text() == domain().text()


def test_broken_numbers_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        definition_of(domain("<vcpu>many</vcpu>"))
