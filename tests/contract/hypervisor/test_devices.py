"""Hardware, added and taken away."""

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound

NIC = """<interface type='network'><mac address='52:54:00:00:00:0A'/>
<source network='default'/><model type='virtio'/></interface>"""
OTHER_NIC = NIC.replace("default", "another")
CD = """<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
<target dev='sdb' bus='sata'/><readonly/></disk>"""
MORE_VCPUS = "<vcpu current='1'>4</vcpu>"


def macs(bench, uuid):
    return [nic.mac.lower() for nic in bench.driver.vm(uuid).definition.nics]


@pytest.mark.parametrize("running", [False, True])
def test_a_card_is_added_once(bench, running):
    uuid = bench.define()
    if running:
        bench.driver.start(uuid)

    bench.driver.attach_device(uuid, NIC, live=running)
    bench.driver.attach_device(uuid, NIC, live=running)

    assert macs(bench, uuid) == ["52:54:00:00:00:0a"]
    assert bench.driver.vm(uuid).next_definition is None


def test_a_card_can_wait_for_the_next_start(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    bench.driver.attach_device(uuid, NIC, live=False)

    facts = bench.driver.vm(uuid)
    assert facts.definition.nics == ()
    assert len(facts.next_definition.nics) == 1


def test_a_place_that_is_taken_is_a_conflict(bench):
    uuid = bench.define()
    bench.driver.attach_device(uuid, NIC, live=False)
    with pytest.raises(Conflict) as caught:
        bench.driver.attach_device(uuid, OTHER_NIC, live=False)
    assert caught.value.code == "vm.device-taken"


def test_a_device_is_taken_away_once(bench):
    uuid = bench.define()
    bench.driver.attach_device(uuid, NIC, live=False)
    bench.driver.detach_device(uuid, NIC, live=False)
    bench.driver.detach_device(uuid, NIC, live=False)
    assert macs(bench, uuid) == []


@pytest.mark.parametrize("running", [False, True])
def test_a_card_is_unplugged_from_its_network(bench, running):
    uuid = bench.define()
    bench.driver.attach_device(uuid, NIC, live=False)
    if running:
        bench.driver.start(uuid)
    down = NIC.replace("</interface>", "<link state='down'/></interface>")

    bench.driver.update_device(uuid, down, live=running)

    (nic,) = bench.driver.vm(uuid).definition.nics
    assert not nic.link_up


def test_what_is_not_there_cannot_be_changed(bench):
    uuid = bench.define()
    with pytest.raises(NotFound):
        bench.driver.update_device(uuid, CD, live=False)


def test_vcpus_and_memory_of_a_stopped_vm_have_no_limit(bench):
    uuid = bench.define()
    bench.driver.set_vcpus(uuid, 3, live=False)
    bench.driver.set_memory(uuid, 64, live=False)
    definition = bench.driver.vm(uuid).definition
    assert (definition.vcpus, definition.memory_mib) == (3, 64)
    assert definition.max_vcpus == 3
    assert definition.max_memory_mib == 64


def test_a_running_vm_gets_more_vcpus_up_to_its_maximum(bench):
    uuid = bench.define(vcpus=MORE_VCPUS)
    bench.driver.start(uuid)
    bench.driver.set_vcpus(uuid, 3, live=True)
    facts = bench.driver.vm(uuid)
    assert facts.definition.vcpus == 3
    assert facts.next_definition is None

    with pytest.raises(InvalidRequest, match="at most 4"):
        bench.driver.set_vcpus(uuid, 5, live=True)


def test_a_running_vm_cannot_exceed_its_memory(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    with pytest.raises(InvalidRequest, match="at most 32"):
        bench.driver.set_memory(uuid, 64, live=True)


def test_a_disk_that_is_not_there_does_not_grow(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    with pytest.raises(NotFound):
        bench.driver.resize_block(uuid, "vdz", 1 << 20)
