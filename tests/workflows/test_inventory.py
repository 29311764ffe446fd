"""The database stays true to the hosts: through events, lost connections and full readings."""

import pytest
from tests.workflows.slate import disagreements
from tests.workflows.world import World

from castalia.db import vms as vm_store
from castalia.errors import HostUnreachable, NotFound
from castalia.hypervisor.driver import HostSignal
from castalia.model.access import SYSTEM
from castalia.model.clock import now
from castalia.model.host import HostState
from castalia.model.ids import new_uuid
from castalia.model.page import PageRequest
from castalia.model.vm import Definition, Origin, PowerAction, Vm, VmState

XML = """<domain type='qemu'><name>{}</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64'>hvm</type></os></domain>"""


def lose(world: World) -> None:
    """The host does not answer any more, and the manager knows."""
    world.driver().lose("the cable is out")
    world.until(lambda: world.host().state is HostState.UNREACHABLE, "the host to be away")


def come_back(world: World) -> None:
    """The host answers again, and the manager was told to look."""
    world.driver().return_()
    world.services.hosts.reconnect("h1", principal=SYSTEM)
    world.wait_up()


def events(world: World, kind: str) -> int:
    """How often people were told of something."""
    page = PageRequest(filter=f"kind:{kind}", sort="-at")
    return len(world.services.events.list(page, principal=SYSTEM).items)


def creating(world: World) -> Vm:
    """A VM that a job is just making; the host does not have it yet."""
    uuid = new_uuid()
    vm = Vm(
        id=uuid,
        uuid=uuid,
        host_id=world.host().id,
        name="new",
        state=VmState.CREATING,
        definition=Definition(uuid=uuid, name="new"),
        created_at=now(),
    )
    with world.manager.database.write() as connection:
        vm_store.insert(connection, vm)
    return vm


def test_a_host_that_is_away_says_so_and_its_vms_are_unknown(world: World) -> None:
    world.make_vm("web")
    world.start_vm("web")
    lose(world)
    world.until(lambda: world.vm("web").state is VmState.UNKNOWN, "the VM to be unknown")
    assert world.host().state_reason == "the cable is out"
    assert world.vm("web").state_reason == "its host is not reachable"
    world.until(lambda: events(world, "host.unreachable") == 1, "the event")


def test_calls_to_a_host_that_is_away_fail_at_once(world: World) -> None:
    vm = world.make_vm("web")
    host_id = world.host().id
    lose(world)
    asked = list(world.driver().faults.calls)
    inventory = world.manager.inventory
    for call in (inventory.hypervisor, inventory.storage, inventory.refresh_networks):
        with pytest.raises(HostUnreachable, match="the cable is out") as caught:
            call(host_id)
        assert caught.value.remedy
    with pytest.raises(HostUnreachable):
        world.services.vms.xml(vm.id, principal=SYSTEM)
    with pytest.raises(HostUnreachable) as caught:
        world.services.vm_power.power("web", PowerAction.START, principal=SYSTEM)
    assert caught.value.code == "unreachable.host"
    assert set(world.driver().faults.calls[len(asked) :]) <= {"connect"}


def test_a_host_that_comes_back_is_right_again(world: World) -> None:
    kept, stopped, gone = (world.make_vm(name) for name in ("kept", "stopped", "gone"))
    world.start_vm("kept")
    world.start_vm("stopped")
    lose(world)
    on_host = world.driver().vms
    on_host[stopped.uuid].power_off(reason="while nobody looked")
    del on_host[gone.uuid]
    come_back(world)
    assert world.vm(kept.id).state is VmState.RUNNING
    assert world.vm(stopped.id).state is VmState.STOPPED
    with pytest.raises(NotFound):
        world.vm(gone.id)
    assert not disagreements(world)
    world.until(lambda: events(world, "host.back") == 1, "the event")
    world.start_vm("stopped")


def test_a_host_that_stays_away_is_told_of_once(world: World) -> None:
    lose(world)
    host = world.host()
    for _ in range(3):
        tries = world.driver().faults.calls.count("connect")
        world.services.hosts.reconnect(host.id, principal=SYSTEM)
        while world.driver().faults.calls.count("connect") == tries:
            world.manager.inventory._links[host.id].tried.wait(0.01)
    assert events(world, "host.unreachable") == 1


def test_a_manager_that_starts_while_a_host_is_away_knows_nothing_of_its_vms(
    world: World,
) -> None:
    world.make_vm("web")
    world.stop()
    world.driver().lose("the cable is out")
    world.start()
    world.until(lambda: world.vm("web").state is VmState.UNKNOWN, "the VM to be unknown")
    come_back(world)
    assert world.vm("web").state is VmState.STOPPED


def test_what_happened_while_no_manager_ran_is_learnt(world: World) -> None:
    gone = world.make_vm("gone")
    world.stop()
    world.driver().connect()
    world.driver().undefine(gone.uuid)
    world.driver().define(XML.format("found"))
    world.start()
    world.wait_up()
    assert world.vm("found").origin is Origin.FOUND
    with pytest.raises(NotFound):
        world.vm("gone")


def test_an_event_has_only_its_own_vm_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (world.make_vm(f"web-{number}") for number in range(3))
    driver, read = world.driver(), []
    one = driver.vm
    monkeypatch.setattr(driver, "vm", lambda uuid: read.append(uuid) or one(uuid))
    driver.start(first.uuid)  # once this is read, so is what the making of the others has sent
    world.until(lambda: world.vm("web-0").state is VmState.RUNNING, "the first VM to run")
    read.clear()
    driver.faults.calls.clear()
    driver.start(second.uuid)
    world.until(lambda: world.vm("web-1").state is VmState.RUNNING, "the second VM to run")
    driver.guest_powers_off(second.uuid)
    world.until(lambda: world.vm("web-1").state is VmState.STOPPED, "the second VM to be off")
    assert second.uuid in read
    assert third.uuid not in read
    assert set(driver.faults.calls) <= {"start", "vm", "addresses"}


def test_a_vm_that_somebody_else_defines_is_taken_in(world: World) -> None:
    uuid = world.driver().define(XML.format("legacy"))
    world.until(lambda: known(world, uuid), "the VM")
    assert (world.vm(uuid).name, world.vm(uuid).origin) == ("legacy", Origin.FOUND)


def test_a_vm_that_vanishes_is_forgotten(world: World) -> None:
    vm = world.make_vm("web")
    world.driver().undefine(vm.uuid)
    world.until(lambda: not known(world, vm.id), "the VM to be gone")


def known(world: World, ref: str) -> bool:
    """Whether the database has the VM."""
    try:
        world.vm(ref)
    except NotFound:
        return False
    return True


def test_a_vm_that_is_being_created_survives_full_readings_and_events(world: World) -> None:
    vm = creating(world)
    lose(world)
    come_back(world)
    assert world.vm("new").state is VmState.CREATING
    other = world.make_vm("other")
    for uuid in (vm.uuid, other.uuid):
        world.driver()._emit(HostSignal(kind="vm-gone", uuid=uuid))
    world.driver().undefine(other.uuid)
    world.until(lambda: not known(world, other.id), "the other one to be gone")
    assert world.vm("new").state is VmState.CREATING


def test_a_vm_that_is_being_created_is_its_jobs_until_it_is_settled(world: World) -> None:
    vm = creating(world)
    xml = XML.format("new").replace("<name>", f"<uuid>{vm.uuid}</uuid><name>")
    world.driver().define(xml)
    other = world.make_vm("other")
    world.driver().start(other.uuid)
    world.until(lambda: world.vm("other").state is VmState.RUNNING, "the other one to run")
    assert world.vm("new").state is VmState.CREATING
    world.manager.inventory.refresh_vm(vm.host_id, vm.uuid)
    assert world.vm("new").state is VmState.STOPPED


def test_a_host_that_is_forgotten_is_asked_no_more(world: World) -> None:
    host = world.host()
    world.done(world.services.hosts.remove("h1", principal=SYSTEM))
    asked = len(world.driver().faults.calls)
    with pytest.raises(NotFound) as caught:
        world.manager.inventory.hypervisor(host.id)
    assert caught.value.code == "host.not-found"
    world.driver().connect()
    world.driver().define(XML.format("later"))
    assert world.services.vms.facets(principal=SYSTEM) == {}
    assert world.driver().faults.calls[asked:] == ["connect", "define"]
