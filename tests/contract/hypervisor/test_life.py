"""A VM's definition and power."""

import pytest
from tests.contract.hypervisor.conftest import vm_xml

from castalia.errors import Conflict, GuestError, InvalidRequest, NotFound
from castalia.model.ids import new_uuid
from castalia.model.vm import VmState


def state(bench, uuid):
    by_itself = bench.driver.vm(uuid)
    (in_bulk,) = [vm for vm in bench.driver.snapshot().vms if vm.definition.uuid == uuid]
    assert by_itself.state is in_bulk.state
    return by_itself.state


def test_power_on_pause_resume_power_off(bench):
    uuid = bench.define()
    bench.signals.wait("vm", uuid, "defined")

    bench.driver.start(uuid)
    bench.signals.wait("vm", uuid, "started")
    assert state(bench, uuid) is VmState.RUNNING

    bench.driver.pause(uuid)
    bench.signals.wait("vm", uuid, "paused")
    assert state(bench, uuid) is VmState.PAUSED
    assert bench.driver.vm(uuid).state_reason == "paused by a user"

    bench.driver.resume(uuid)
    bench.signals.wait("vm", uuid, "resumed")
    assert state(bench, uuid) is VmState.RUNNING

    bench.driver.stop(uuid)
    bench.signals.wait("vm", uuid, "stopped")
    assert state(bench, uuid) is VmState.STOPPED
    assert bench.driver.vm(uuid).state_reason == "its power was cut"


def test_every_power_button_may_be_pressed_twice(bench):
    uuid = bench.define()
    for press in ("start", "pause", "resume", "suspend", "discard_suspended", "stop"):
        if press == "suspend":
            bench.driver.pause(uuid)
        getattr(bench.driver, press)(uuid)
        getattr(bench.driver, press)(uuid)
    assert state(bench, uuid) is VmState.STOPPED


def test_a_start_can_end_paused(bench):
    uuid = bench.define()
    bench.driver.start(uuid, paused=True)
    assert state(bench, uuid) is VmState.PAUSED


def test_a_suspended_vm_comes_back_or_is_discarded(bench):
    uuid = bench.define()
    bench.driver.start(uuid)

    bench.driver.suspend(uuid)
    assert state(bench, uuid) is VmState.SUSPENDED
    assert bench.driver.vm(uuid).saved
    bench.driver.start(uuid)
    assert state(bench, uuid) is VmState.RUNNING
    assert not bench.driver.vm(uuid).saved

    bench.driver.suspend(uuid)
    bench.driver.discard_suspended(uuid)
    assert state(bench, uuid) is VmState.STOPPED


def test_what_needs_a_running_vm_says_so(bench):
    uuid = bench.define("web1")
    for press in ("pause", "resume", "reset", "suspend", "screenshot", "open_serial"):
        with pytest.raises(Conflict, match="web1 is not running"):
            getattr(bench.driver, press)(uuid)
    with pytest.raises(Conflict, match="web1 is not running"):
        bench.driver.guest_exec(uuid, ["/bin/true"])


def test_a_reset_vm_runs_on(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    bench.driver.reset(uuid)
    assert state(bench, uuid) is VmState.RUNNING


def test_an_absent_agent_cannot_be_asked(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    for ask in (bench.driver.request_shutdown, bench.driver.request_reboot):
        with pytest.raises(GuestError) as caught:
            ask(uuid, via="agent")
        assert caught.value.code == "guest.agent-absent"
        assert caught.value.message
    assert not bench.driver.agent_ready(uuid)
    with pytest.raises(GuestError):
        bench.driver.guest_exec(uuid, ["/bin/true"])


def test_asking_a_stopped_vm_to_shut_down_is_no_error(bench):
    bench.driver.request_shutdown(bench.define(), via="acpi")


def test_names_are_unique_on_a_host(bench):
    bench.define("web1")
    with pytest.raises(Conflict) as caught:
        bench.define("web1")
    assert caught.value.code == "vm.name-taken"


def test_a_stopped_vm_gets_another_name(bench):
    uuid, _ = bench.define("web1"), bench.define("web2")
    with pytest.raises(Conflict):
        bench.driver.rename(uuid, "web2")
    bench.driver.rename(uuid, "web3")
    bench.driver.rename(uuid, "web3")
    assert bench.driver.vm(uuid).definition.name == "web3"
    assert "<name>web3</name>" in bench.driver.xml(uuid)

    bench.driver.start(uuid)
    with pytest.raises(Conflict, match="running"):
        bench.driver.rename(uuid, "web4")


def test_a_new_definition_of_the_same_vm_replaces_the_old(bench):
    uuid = bench.define("web1")
    xml = bench.driver.xml(uuid).replace("web1</name>", "web1</name><title>New</title>")
    assert bench.driver.define(xml) == uuid
    assert bench.driver.vm(uuid).definition.title == "New"


def test_a_running_vm_is_not_forgotten(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    with pytest.raises(Conflict, match="running"):
        bench.driver.undefine(uuid)


def test_a_forgotten_vm_is_gone_with_its_saved_memory(bench):
    uuid = bench.define("web1")
    bench.driver.start(uuid)
    bench.driver.suspend(uuid)

    bench.driver.undefine(uuid)
    bench.driver.undefine(uuid)

    bench.signals.wait("vm-gone", uuid)
    with pytest.raises(NotFound):
        bench.driver.vm(uuid)
    bench.driver.start(bench.define("web1"))


def test_nonsense_is_no_definition(bench):
    for text in ("<domain", "<network/>", ""):
        with pytest.raises(InvalidRequest):
            bench.driver.define(text)


def test_starting_an_unknown_vm_is_not_found(bench):
    with pytest.raises(NotFound):
        bench.driver.start(new_uuid())


def test_a_vm_on_an_unknown_network_does_not_start(bench):
    nic = "<interface type='network'><source network='nowhere'/></interface>"
    uuid = bench.driver.define(vm_xml("web1", devices=nic))
    with pytest.raises(NotFound) as caught:
        bench.driver.start(uuid)
    assert caught.value.code == "network.not-found"
    assert state(bench, uuid) is VmState.STOPPED
