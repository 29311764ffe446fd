"""VMs by reference, in lists, and in edits that meet."""

import base64
import json

import pytest
from tests.unit.db.conftest import add_two_hosts, make_facts, moment

from castalia.db import vm_list, vm_sync, vms
from castalia.db.database import Database
from castalia.errors import Conflict, EditConflict, InvalidRequest, NotFound
from castalia.model.page import Page, PageRequest
from castalia.model.vm import Address, AddressSource, Ownership, Vm, VmState

H1, H2 = "id-h1", "id-h2"


def fill(two_hosts: Database) -> Database:
    """web1..web12 on h1 (even ones stopped), db1 and web1 on h2."""
    note = Ownership(template="micro", tags=("web", "prod_1"))
    states = {True: VmState.STOPPED, False: VmState.RUNNING}
    many = [make_facts(f"web{n}", state=states[n % 2 == 0], ownership=note) for n in range(1, 13)]
    with two_hosts.write() as connection:
        vm_sync.sync(connection, H1, many, taken_at=moment(1))
        others = [make_facts("db1", vcpus=4), make_facts("web1", uuid="other")]
        vm_sync.sync(connection, H2, others, taken_at=moment(2))
        live = vms.VmLive(id="uuid-web3", cpu_fraction=0.8, memory_used_mib=300)
        vms.set_live(connection, [live])
        for id, ip in (("uuid-web3", "10.0.0.12"), ("uuid-web5", "10.0.0.3")):
            found = Address(ip=ip, prefix=24, mac="52:54:00:00:00:01", source=AddressSource.ARP)
            vms.set_addresses(connection, {id: (found,)})
    return two_hosts


@pytest.fixture
def filled(two_hosts: Database) -> Database:
    """A filled database to change."""
    return fill(two_hosts)


@pytest.fixture(scope="module")
def library(shared_database: Database) -> Database:
    """A filled database to read."""
    return fill(add_two_hosts(shared_database))


def listed(database: Database, **request: object) -> Page[Vm]:
    with database.read() as connection:
        return vm_list.page(connection, PageRequest(**request))  # type: ignore[arg-type]  # each test's own


def names(database: Database, filter: str) -> list[str]:
    return [vm.name for vm in listed(database, filter=filter).items]


def test_a_vm_is_found_by_id_uuid_name_or_host_and_name(library: Database) -> None:
    with library.read() as connection:
        for ref in ("uuid-web2", "web2", "h1/web2", f"{H1}/web2"):
            assert vms.find(connection, ref).id == "uuid-web2"
        assert vms.find(connection, "h2/web1").id == "other"
        with pytest.raises(NotFound) as missing:
            vms.find(connection, "h2/web2")
    assert missing.value.code == "vm.not-found"


def test_an_ambiguous_name_lists_the_candidates(library: Database) -> None:
    with library.read() as connection, pytest.raises(Conflict) as refused:
        vms.find(connection, "web1")
    assert refused.value.code == "vm.ambiguous"
    assert "h1/web1, h2/web1" in refused.value.message


def test_names_sort_by_their_numbers(library: Database) -> None:
    found = [vm.name for vm in listed(library).items]
    assert found[:4] == ["db1", "web1", "web1", "web2"]
    assert found[-3:] == ["web10", "web11", "web12"]


@pytest.mark.parametrize(
    "sort",
    ["name", "-name", "state", "host", "-cpu", "used", "memory", "vcpus", "address", "template",
     "size", "created", "-created_at"],
)  # fmt: skip
def test_pages_hold_every_vm_once_in_any_order(library: Database, sort: str) -> None:
    whole = [vm.id for vm in listed(library, sort=sort).items]
    seen: list[str] = []
    cursor = ""
    while True:
        page = listed(library, sort=sort, limit=3, cursor=cursor)
        seen += [vm.id for vm in page.items]
        assert page.total == 14
        if not (cursor := page.next_cursor):
            break
    assert seen == whole
    assert len(set(seen)) == 14


def test_addresses_sort_by_value(library: Database) -> None:
    page = listed(library, sort="-address", limit=2)
    assert [vm.address for vm in page.items] == ["10.0.0.12", "10.0.0.3"]


def test_pages_stay_in_step_while_rows_go(filled: Database) -> None:
    first = listed(filled, filter="host:h1", limit=4)
    with filled.write() as connection:
        vms.delete(connection, first.items[0].id)
    second = listed(filled, filter="host:h1", limit=4, cursor=first.next_cursor)
    assert [vm.name for vm in second.items] == ["web5", "web6", "web7", "web8"]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("state:stopped name:web*", ["web2", "web4", "web6", "web8", "web10", "web12"]),
        ("state:stopped,running host:h2", ["db1", "web1"]),
        ("host:h* vcpus>=4", ["db1"]),
        ("-tag:web", ["db1", "web1"]),
        ("tag:prod*  name:web3", ["web3"]),
        ("tag:prodX1", []),
        ("tag:pro", []),
        ("cpu>50", ["web3"]),
        ("cpu<=80 used>=300", ["web3"]),
        ("-cpu>50 host:h2", ["db1", "web1"]),
        ("mem<512", []),
        ("ip:10.0.0.*", ["web3", "web5"]),
        ("template:micro name:WEB1*", ["web1", "web10", "web11", "web12"]),
        ("WEB12", ["web12"]),
        ("eb_", []),
        ("100%", []),
        ("mac:52:54:* host:h2", ["db1", "web1"]),
        ("network:default host:h2", ["db1", "web1"]),
        ("origin:found", ["db1", "web1"]),
        ("agent:no host:h2", ["db1", "web1"]),
        ("created>2000-01-01 host:h2", ["db1", "web1"]),
        ("id:other", ["web1"]),
        ("it's", []),
    ],
)
def test_filters(library: Database, filter: str, found: list[str]) -> None:
    page = listed(library, filter=filter)
    assert [vm.name for vm in page.items] == found
    assert page.total == len(found)


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"sort": "colour"}, "sort"),
        ({"filter": "colour:red"}, "filter"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"cursor": "?"}, "cursor"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"cursor": cursor("-name", "a", "b")}, "cursor"),
        ({"cursor": cursor("name", 5, "b")}, "cursor"),
        ({"cursor": cursor("name", "a\0", "b")}, "cursor"),
        ({"cursor": cursor("name", "\ud800", "b")}, "cursor"),
        ({"cursor": cursor("name", "a")}, "cursor"),
        ({"cursor": cursor("vcpus", 10**30, "b"), "sort": "vcpus"}, "cursor"),
        ({"cursor": cursor("cpu", float("nan"), "b"), "sort": "cpu"}, "cursor"),
        ({"cursor": cursor("created", "2026-01-01", "b"), "sort": "created"}, "cursor"),
    ],
)
def test_what_cannot_be_asked_names_the_field(
    library: Database, request_: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        listed(library, **request_)
    assert refused.value.field == field


def test_of_two_edits_one_wins(filled: Database) -> None:
    with filled.write() as connection:
        edited = vms.update(connection, "uuid-web2", expected_revision=1, description="first")
        assert (edited.revision, edited.description) == (2, "first")
    with filled.write() as connection, pytest.raises(EditConflict):
        vms.update(connection, "uuid-web2", expected_revision=1, description="second")
    with filled.write() as connection, pytest.raises(NotFound):
        vms.update(connection, "gone", expected_revision=1, description="third")


def test_asking_for_a_revision_alone_guards_an_edit(filled: Database) -> None:
    with filled.write() as connection:
        assert vms.update(connection, "uuid-web2", expected_revision=1).revision == 2
    with filled.write() as connection, pytest.raises(EditConflict):
        vms.update(connection, "uuid-web2", expected_revision=1)


def test_a_state_is_no_edit(filled: Database) -> None:
    with filled.write() as connection:
        changed = vms.update(connection, "uuid-web2", state=VmState.CRASHED)
    assert (changed.state, changed.revision) == (VmState.CRASHED, 1)


def test_a_rename_moves_a_vm_in_the_list(filled: Database) -> None:
    with filled.write() as connection:
        vms.update(connection, "uuid-web2", name="aaa")
    assert listed(filled, limit=1).items[0].name == "aaa"


def test_a_name_is_free_once_per_host(filled: Database) -> None:
    with filled.write() as connection:
        taken = vms.get(connection, "uuid-web2")
        with pytest.raises(Conflict) as refused:
            vms.insert(connection, taken)
        assert vms.taken_names(connection, H1, ["web2", "new"]) == {"web2"}
    assert refused.value.code == "vm.name-taken"


def test_facets_and_macs(library: Database) -> None:
    mac = make_facts("web2").definition.nics[0].mac
    with library.read() as connection:
        assert vms.count_by_state(connection) == {VmState.RUNNING: 8, VmState.STOPPED: 6}
        assert vms.macs_in_use(connection, [mac.upper(), "52:54:00:ff:ff:ff"]) == {mac}
        assert vms.ids_by_uuid(connection, H2) == {"other": "other", "uuid-db1": "uuid-db1"}
