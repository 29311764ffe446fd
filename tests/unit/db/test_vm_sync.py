"""A host's report against what is stored: only differences, and never older over newer."""

from dataclasses import replace

from tests.unit.db.conftest import make_facts, moment

from castalia.db import hosts, vm_sync, vms
from castalia.db.database import Database
from castalia.model.event import Change
from castalia.model.vm import (
    Address,
    AddressSource,
    Definition,
    Graphics,
    Origin,
    Ownership,
    Vm,
    VmFacts,
    VmState,
)

H1, H2 = "id-h1", "id-h2"


def sync(
    database: Database, *facts: VmFacts, at: float, complete: bool = True, host: str = H1
) -> list[Change]:
    with database.write() as connection:
        return vm_sync.sync(connection, host, list(facts), taken_at=moment(at), complete=complete)


def named(database: Database, ref: str) -> Vm:
    with database.read() as connection:
        return vms.find(connection, ref)


def count(database: Database) -> int:
    with database.read() as connection:
        return sum(vms.count_by_state(connection).values())


def test_unknown_vms_are_found_unless_they_carry_our_note(two_hosts: Database) -> None:
    note = Ownership(template="micro", size="small", tags=("web",))
    changes = sync(two_hosts, make_facts("a"), make_facts("b", ownership=note), at=1)
    assert {(c.verb, c.data["name"]) for c in changes} == {("created", "a"), ("created", "b")}
    a, b = named(two_hosts, "a"), named(two_hosts, "b")
    assert (a.origin, a.tags, a.id) == (Origin.FOUND, (), "uuid-a")
    assert (b.origin, b.template, b.tags) == (Origin.CREATED, "micro", ("web",))


def test_a_found_vm_that_was_tagged_stays_a_found_one(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a", ownership=Ownership(tags=("old",))), at=1)
    found = named(two_hosts, "a")
    assert (found.origin, found.tags) == (Origin.FOUND, ("old",))


def test_the_same_report_again_changes_nothing(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    assert sync(two_hosts, make_facts("a"), at=2) == []
    assert named(two_hosts, "a").revision == 1


def test_a_state_raises_no_revision_but_a_definition_does(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    (change,) = sync(two_hosts, make_facts("a", state=VmState.STOPPED), at=2)
    assert (change.verb, change.data["state"], change.data["revision"]) == ("updated", "stopped", 1)
    sync(two_hosts, make_facts("a", state=VmState.STOPPED, vcpus=4), at=3)
    a = named(two_hosts, "a")
    assert (a.revision, a.definition.vcpus, a.state) == (2, 4, VmState.STOPPED)


def test_what_comes_with_a_start_raises_no_revision(two_hosts: Database) -> None:
    def with_port(port: int) -> VmFacts:
        made = make_facts("a")
        graphics = (Graphics(kind="vnc", port=port),)
        nics = tuple(replace(nic, target=f"vnet{port}") for nic in made.definition.nics)
        return replace(made, definition=replace(made.definition, graphics=graphics, nics=nics))

    sync(two_hosts, with_port(-1), at=1)
    assert len(sync(two_hosts, with_port(5900), at=2)) == 1
    assert named(two_hosts, "a").revision == 1


def test_the_vanished_are_forgotten_only_by_a_complete_report(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), make_facts("b"), at=1)
    assert sync(two_hosts, make_facts("a"), at=2, complete=False) == []
    (change,) = sync(two_hosts, make_facts("a"), at=3)
    assert (change.verb, change.id) == ("deleted", "uuid-b")
    assert count(two_hosts) == 1


def test_an_older_report_does_not_overwrite_newer_knowledge(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    sync(two_hosts, make_facts("a", state=VmState.STOPPED), at=5, complete=False)
    assert sync(two_hosts, make_facts("a", state=VmState.RUNNING), at=4) == []
    assert named(two_hosts, "a").state is VmState.STOPPED


def test_a_look_that_changed_nothing_still_counts_as_newer(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a", state=VmState.STOPPED), at=1)
    sync(two_hosts, make_facts("a", state=VmState.STOPPED), at=5, complete=False)
    assert sync(two_hosts, make_facts("a", state=VmState.RUNNING), at=4) == []


def test_an_older_report_does_not_forget_a_newer_vm(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=5, complete=False)
    assert sync(two_hosts, at=4) == []
    assert count(two_hosts) == 1


def test_a_deleted_vm_is_not_brought_back_by_an_older_report(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    with two_hosts.write() as connection:
        assert vms.delete(connection, "uuid-a") is not None
        assert vms.delete(connection, "uuid-a") is None
    assert sync(two_hosts, make_facts("a"), at=2) == []
    assert count(two_hosts) == 0
    later = 10 * 365 * 86_400  # whoever defines it again is believed
    assert [c.verb for c in sync(two_hosts, make_facts("a"), at=later)] == ["created"]


def creating(facts: VmFacts) -> Vm:
    blank = Definition(uuid=facts.definition.uuid, name=facts.definition.name)
    return Vm(
        id=blank.uuid,
        uuid=blank.uuid,
        host_id=H1,
        name=blank.name,
        state=VmState.CREATING,
        definition=blank,
        tags=("new",),
        created_at=moment(0),
    )


def test_a_vm_being_created_belongs_to_its_job(two_hosts: Database) -> None:
    made = make_facts("a")
    with two_hosts.write() as connection:
        vms.insert(connection, creating(made))
    assert sync(two_hosts, at=1) == []
    assert sync(two_hosts, made, at=2) == []
    assert named(two_hosts, "a").state is VmState.CREATING
    with two_hosts.write() as connection:
        settled = vm_sync.settle(connection, "uuid-a", made)
    assert settled == named(two_hosts, "a")
    assert (settled.state, settled.origin, settled.tags) == (
        VmState.RUNNING,
        Origin.CREATED,
        ("new",),
    )


def test_one_uuid_on_two_hosts_is_two_vms(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    (change,) = sync(two_hosts, make_facts("a"), at=1, host=H2)
    assert change.id != "uuid-a"
    assert named(two_hosts, "h2/a").uuid == "uuid-a"


def test_a_vm_that_stops_loses_what_only_a_running_one_has(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    address = Address(ip="10.0.0.5", prefix=24, mac="52:54:00:00:00:01", source=AddressSource.LEASE)
    with two_hosts.write() as connection:
        assert len(vms.set_addresses(connection, {"uuid-a": (address,)})) == 1
        assert vms.set_addresses(connection, {"uuid-a": (address,)}) == []
        live = vms.VmLive(id="uuid-a", cpu_fraction=0.5, memory_used_mib=100)
        vms.set_live(connection, [live])
    a = named(two_hosts, "a")
    assert (a.address, a.cpu_fraction, a.memory_used_mib, a.revision) == ("10.0.0.5", 0.5, 100, 1)
    sync(two_hosts, make_facts("a", state=VmState.STOPPED), at=2)
    a = named(two_hosts, "a")
    assert (a.address, a.cpu_fraction, a.memory_used_mib) == ("", None, None)


def test_names_may_be_swapped_in_one_report(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a", uuid="1"), make_facts("b", uuid="2"), at=1)
    sync(two_hosts, make_facts("b", uuid="1"), make_facts("a", uuid="2"), at=2)
    assert (named(two_hosts, "a").id, named(two_hosts, "b").id) == ("2", "1")


def test_a_host_takes_all_that_is_on_it_along(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    sync(two_hosts, make_facts("b"), at=1, host=H2)
    with two_hosts.write() as connection:
        assert hosts.delete(connection, H1) is not None
        assert hosts.delete(connection, H1) is None
    assert count(two_hosts) == 1


def test_an_unreachable_hosts_vms_are_unknown_until_it_is_back(two_hosts: Database) -> None:
    sync(two_hosts, make_facts("a"), at=1)
    with two_hosts.write() as connection:
        (change,) = vms.mark_unknown(connection, H1, reason="it is away")
        assert vms.mark_unknown(connection, H1, reason="it is away") == []
    assert change.data["state"] == "unknown"
    assert named(two_hosts, "a").state_reason == "it is away"
    sync(two_hosts, make_facts("a"), at=2)
    assert named(two_hosts, "a").state is VmState.RUNNING
