"""Hosts: what is unique, what an edit is, what is only news."""

from dataclasses import replace

import pytest
from tests.unit.db.conftest import host, moment

from castalia.db import hosts
from castalia.db.database import Database
from castalia.errors import Conflict, EditConflict, NotFound
from castalia.model.capabilities import Accelerator, AcceleratorFinding, Capabilities
from castalia.model.host import HostFacts, HostLoad, HostState
from castalia.model.page import PageRequest

FACTS = HostFacts(
    hostname="h1",
    arch="x86_64",
    cpus=8,
    cpu_model="EPYC",
    sockets=1,
    cores=8,
    threads=1,
    numa_nodes=1,
    memory_mib=4096,
    hypervisor_version="7.2",
    libvirt_version="9.0",
    capabilities=Capabilities(
        hypervisor="qemu",
        arch="x86_64",
        accelerator=AcceleratorFinding(accelerator=Accelerator.EMULATED, reason="measured"),
        missing={"kvm": "it hangs"},
    ),
)


def test_what_a_host_says_is_news_once(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        assert hosts.set_facts(connection, "id-h1", FACTS) is not None
        assert hosts.set_facts(connection, "id-h1", FACTS) is None
        found = hosts.find(connection, "h1")
    assert (found.facts, found.revision) == (FACTS, 1)


def test_a_state_is_news_once_and_takes_the_load_away(two_hosts: Database) -> None:
    load = HostLoad(cpu_fraction=0.5, memory_used_mib=10, memory_free_mib=20)
    away = HostState.UNREACHABLE
    with two_hosts.write() as connection:
        hosts.set_loads(connection, {"id-h1": load}, seen_at=moment(5))
        assert hosts.get(connection, "id-h1").load == load
        assert hosts.set_state(connection, "id-h1", away, reason="cut") is not None
        assert hosts.set_state(connection, "id-h1", away, reason="cut") is None
        assert hosts.set_state(connection, "gone", away) is None
        found = hosts.get(connection, "id-h1")
    assert (found.load, found.state_reason, found.seen_at) == (None, "cut", moment(5))


def test_names_and_addresses_are_unique(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        with pytest.raises(Conflict) as name:
            hosts.insert(connection, replace(host("h1"), id="x", uri="other"))
        with pytest.raises(Conflict) as uri:
            hosts.insert(connection, replace(host("h1"), id="x", name="other"))
        with pytest.raises(Conflict):
            hosts.update(connection, "id-h2", name="h1")
    assert (name.value.code, uri.value.code) == ("host.name-taken", "host.exists")


def test_edits_raise_the_revision_and_meet(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        edited = hosts.update(connection, "id-h1", expected_revision=1, name="h10", tags=("a",))
        assert (edited.name, edited.tags, edited.revision) == ("h10", ("a",), 2)
        with pytest.raises(EditConflict):
            hosts.update(connection, "id-h1", expected_revision=1, name="h11")
        with pytest.raises(NotFound):
            hosts.update(connection, "gone", name="h11")
        page = hosts.page(connection, PageRequest(filter="tag:a state:up", sort="-vms"))
    assert [one.name for one in page.items] == ["h10"]
