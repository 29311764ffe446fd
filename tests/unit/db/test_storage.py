"""Repositories, volumes and who needs them; templates; networks."""

from dataclasses import replace
from datetime import datetime

import pytest
from tests.unit.db.conftest import make_facts, moment

from castalia.db import networks, storage, templates, vm_sync, volume_sync
from castalia.db.database import Database
from castalia.errors import Conflict, EditConflict, NotFound
from castalia.model.clock import now
from castalia.model.network import NetworkFacts, NetworkKind
from castalia.model.page import PageRequest
from castalia.model.storage import RepositoryFacts, VolumeFacts, VolumeFormat
from castalia.model.template import Template
from castalia.model.vm import Ownership

H1, H2 = "id-h1", "id-h2"


def volume(name: str, *, backing: str = "", allocation_bytes: int = 1) -> VolumeFacts:
    return VolumeFacts(
        name=name,
        path=f"/pool/{name}",
        format=VolumeFormat.QCOW2,
        capacity_bytes=10,
        allocation_bytes=allocation_bytes,
        backing_path=backing and f"/pool/{backing}",
    )


def repository(*volumes: VolumeFacts, name: str = "default", free: int = 50) -> RepositoryFacts:
    return RepositoryFacts(
        name=name,
        path="/pool",
        kind="dir",
        active=True,
        capacity_bytes=100,
        allocation_bytes=50,
        available_bytes=free,
        volumes=volumes,
    )


CHAIN = (volume("base"), volume("middle", backing="base"), volume("top.qcow2", backing="middle"))


def sync(
    database: Database, *facts: RepositoryFacts, host: str = H1, taken_at: datetime | None = None
) -> list[str]:
    with database.write() as connection:
        found = storage.sync(connection, host, facts, taken_at=taken_at or now())
        return [change.verb for change in found]


def test_only_differences_are_changes(two_hosts: Database) -> None:
    assert sync(two_hosts, repository(*CHAIN)) == ["created"]
    assert sync(two_hosts, repository(*CHAIN)) == []
    assert sync(two_hosts, repository(*CHAIN, free=40)) == ["updated"]
    grown = (replace(CHAIN[0], allocation_bytes=9), *CHAIN[1:])
    assert sync(two_hosts, repository(*grown, free=40)) == []
    assert sync(two_hosts, repository(*grown[:2], free=40)) == ["updated"]
    with two_hosts.read() as connection:
        found = storage.find(connection, "h1/default")
        base = storage.volume_in(connection, found.id, "base")
    assert (found.volume_count, base.facts.allocation_bytes) == (2, 9)
    assert sync(two_hosts) == ["deleted"]


def test_a_report_from_before_does_not_take_back_what_was_noted_since(two_hosts: Database) -> None:
    sync(two_hosts, repository(CHAIN[0]))
    begun = now()
    with two_hosts.write() as connection:
        volume_sync.note_volume(connection, volume("new"), host_id=H1, repository="default")
    assert sync(two_hosts, repository(CHAIN[0]), taken_at=begun) == []
    with two_hosts.read() as connection:
        assert storage.find(connection, "h1/default").volume_count == 2
    assert sync(two_hosts, repository(CHAIN[0])) == ["updated"]


def test_references_like_those_of_vms(two_hosts: Database) -> None:
    sync(two_hosts, repository())
    sync(two_hosts, repository(), host=H2)
    with two_hosts.read() as connection:
        assert storage.find(connection, "default", host_id=H2).host_name == "h2"
        with pytest.raises(Conflict) as refused:
            storage.find(connection, "default")
        with pytest.raises(NotFound):
            storage.find(connection, "h1/other")
    assert refused.value.code == "repository.ambiguous"


def test_whoever_stands_on_a_volume_needs_it(two_hosts: Database) -> None:
    sync(two_hosts, repository(*CHAIN, volume("free")))
    sync(two_hosts, repository(*CHAIN), host=H2)
    with two_hosts.write() as connection:
        uses_top = make_facts("web1", source="/pool/top.qcow2")
        vm_sync.sync(connection, H1, [uses_top], taken_at=moment(1))
        found = storage.find(connection, "h1/default")
        used = {
            one.facts.name: one.used_by
            for one in storage.volume_page(connection, PageRequest(), repository_id=found.id).items
        }
        assert storage.users_of_repository(connection, found.id) == ["web1"]
        other = storage.volume_at(connection, host_id=H2, path="/pool/base")
    assert used == {"base": ("web1",), "middle": ("web1",), "top.qcow2": ("web1",), "free": ()}
    assert other is not None
    assert other.used_by == ()


def test_a_chain_goes_down_to_the_bottom_and_ends(two_hosts: Database) -> None:
    looped = volume("loop", backing="loop")
    sync(two_hosts, repository(*CHAIN, looped))
    with two_hosts.read() as connection:
        found = storage.find(connection, "default")
        top = storage.volume_in(connection, found.id, "top.qcow2")
        names = [one.facts.name for one in storage.chain(connection, top)]
        assert names == ["top.qcow2", "middle", "base"]
        loop = storage.volume_in(connection, found.id, "loop")
        assert storage.chain(connection, loop) == [loop]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("host:h1 size<1G name:m*", ["middle"]),
        ("repository:default format:raw", []),
        ("backing:/pool/base", ["middle"]),
        ("top", ["top.qcow2"]),
    ],
)
def test_volumes_are_searched(two_hosts: Database, filter: str, found: list[str]) -> None:
    sync(two_hosts, repository(*CHAIN))
    with two_hosts.read() as connection:
        page = storage.volume_page(connection, PageRequest(filter=filter))
        assert [one.facts.name for one in page.items] == found
        assert storage.page(connection, PageRequest(filter="host:h1 free>10")).total == 1


def template(name: str = "micro") -> Template:
    return Template(id=f"t-{name}", name=name, notes={"kernel": "6.1"}, created_at=moment(0))


def test_templates_and_their_copies(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        templates.insert(connection, template())
        for _ in range(2):
            templates.record_copy(
                connection, "t-micro", host_id=H1, repository="default", path="/pool/base"
            )
    sync(two_hosts, repository(*CHAIN))
    with two_hosts.read() as connection:
        assert templates.find(connection, "micro") == template()
        path = templates.copy_path(connection, "t-micro", host_id=H1, repository="default")
        assert path == "/pool/base"
        assert templates.copy_path(connection, "t-micro", host_id=H2, repository="default") is None
        assert len(templates.copies(connection, "t-micro")) == 1
        base = storage.volume_at(connection, host_id=H1, path="/pool/base")
    assert base is not None
    assert base.used_by == ("micro",)


def test_a_renamed_template_keeps_its_vms(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        templates.insert(connection, template())
        made = make_facts("web1", ownership=Ownership(template="micro"))
        vm_sync.sync(connection, H1, [made], taken_at=moment(1))
        assert templates.get(connection, "t-micro").vm_count == 1
        renamed = templates.update(connection, "t-micro", expected_revision=1, name="tiny")
        assert (renamed.vm_count, renamed.revision) == (1, 2)
        with pytest.raises(EditConflict):
            templates.update(connection, "t-micro", expected_revision=1, title="x")
        with pytest.raises(Conflict):
            templates.insert(connection, replace(template("tiny"), id="another"))
        templates.delete(connection, "t-micro")
        assert templates.count(connection) == 0


def network(name: str, *, active: bool = True) -> NetworkFacts:
    return NetworkFacts(
        name=name, uuid=f"u-{name}", kind=NetworkKind.NAT, cidr="10.0.0.1/24", active=active
    )


def test_networks_follow_the_host_and_count_their_nics(two_hosts: Database) -> None:
    with two_hosts.write() as connection:
        both = [network("default"), network("lab")]
        assert [c.verb for c in networks.sync(connection, H1, both)] == ["created", "created"]
        assert networks.sync(connection, H1, both) == []
        changes = networks.sync(connection, H1, [network("default", active=False)])
        assert sorted(c.verb for c in changes) == ["deleted", "updated"]
        vm_sync.sync(connection, H1, [make_facts("web1")], taken_at=moment(1))
        found = networks.find(connection, "h1/default")
        assert (found.nic_count, found.facts.active) == (1, False)
        page = networks.page(connection, PageRequest(filter="active:no nics>=1"))
        assert [one.id for one in page.items] == [found.id]
