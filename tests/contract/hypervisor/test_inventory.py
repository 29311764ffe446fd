"""What a host says of its VMs."""

import pytest

from castalia.errors import NotFound
from castalia.libvirtxml.ownership import ownership_xml
from castalia.model.ids import new_uuid
from castalia.model.vm import Ownership, VmState


def test_a_defined_vm_is_in_the_snapshot_as_it_is_by_itself(bench):
    uuid = bench.define("web1")

    (facts,) = bench.driver.snapshot().vms

    assert facts.definition.uuid == uuid
    assert facts.definition.name == "web1"
    assert facts.definition.memory_mib == 32
    assert facts.state is VmState.STOPPED
    assert facts.ownership is None
    assert facts == bench.driver.vm(uuid)


def test_an_unknown_vm_is_not_found(bench):
    with pytest.raises(NotFound) as caught:
        bench.driver.vm(new_uuid())
    assert caught.value.code == "vm.not-found"


def test_many_vms_come_at_once(bench):
    names = {f"vm{number}" for number in range(8)}
    for name in names:
        bench.define(name)
    assert {facts.definition.name for facts in bench.driver.snapshot().vms} == names


@pytest.mark.parametrize("running", [False, True])
def test_a_note_is_stored_beside_the_rest(bench, running):
    uuid = bench.define(metadata="<metadata><x:y xmlns:x='urn:other'>kept</x:y></metadata>")
    if running:
        bench.driver.start(uuid)
    note = Ownership(template="micro", size="small", tags=("web", "prod"), job_id="j1")

    bench.driver.set_metadata(uuid, ownership_xml(note))

    assert bench.driver.vm(uuid).ownership == note
    assert "kept" in bench.driver.xml(uuid)


def test_a_note_replaces_the_one_before(bench):
    uuid = bench.define()
    bench.driver.set_metadata(uuid, ownership_xml(Ownership(template="old")))
    bench.driver.set_metadata(uuid, ownership_xml(Ownership(template="new")))
    assert bench.driver.vm(uuid).ownership == Ownership(template="new")


def test_the_next_definition_is_told_where_it_differs(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    assert bench.driver.vm(uuid).next_definition is None

    bench.driver.set_vcpus(uuid, 1, live=False)
    xml = bench.driver.xml(uuid)
    bench.driver.define(
        xml.replace("<vcpu>1</vcpu>", "<vcpu>2</vcpu>").replace(
            "<vcpu placement='static'>1</vcpu>", "<vcpu placement='static'>2</vcpu>"
        )
    )

    facts = bench.driver.vm(uuid)
    assert facts.definition.vcpus == 1
    assert facts.next_definition is not None
    assert facts.next_definition.vcpus == 2


def test_autostart_is_kept_over_a_new_definition(bench):
    uuid = bench.define()
    bench.driver.set_autostart(uuid, enabled=True)
    bench.driver.define(bench.driver.xml(uuid))
    assert bench.driver.vm(uuid).autostart
    assert bench.driver.snapshot().vms[0].autostart

    bench.driver.set_autostart(uuid, enabled=False)
    assert not bench.driver.vm(uuid).autostart


def test_counters_of_running_vms_grow(bench):
    uuid, other = bench.define("web1"), bench.define("web2")
    bench.driver.start(uuid)

    (first,) = bench.driver.vm_counters()
    (second,) = bench.driver.vm_counters()

    assert first.uuid == second.uuid == uuid != other
    assert 0 < first.cpu_ns <= second.cpu_ns
    assert first.memory_mib == 32
    assert first.vcpus == 1


def test_host_counters_grow_and_memory_adds_up(bench):
    first, second = bench.driver.counters(), bench.driver.counters()
    assert first.cpu_busy_ns <= second.cpu_busy_ns
    assert 0 < first.cpu_total_ns <= second.cpu_total_ns
    assert second.cpu_busy_ns <= second.cpu_total_ns
    assert second.memory_free_mib > 0
