"""Plans change nothing: neither the database nor a host, and no host is even asked."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.workflows.slate import disagreements, slate
from tests.workflows.test_roles import methods
from tests.workflows.world import DISK_BYTES, World

from castalia.db import tables
from castalia.jobs.tables import jobs
from castalia.model.access import SYSTEM
from castalia.model.host import HostChange
from castalia.model.image import ImageSource
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.model.plan import Plan, Verdict
from castalia.model.vm import DiskSpec, NicSpec, PowerAction, VmCreation, VmSpec
from castalia.model.vm_edit import AttachDisk, AttachNic, ChangeMedium, DetachDisk, GrowDisk, VmEdit
from castalia.services.services import Services

Ask = Callable[[Services], Plan]
SOURCE = ImageSource(url="https://images.example/disk.qcow2")
NETWORK = NetworkSpec(name="lab", kind=NetworkKind.NAT, cidr="10.77.5.1/24")

PLANS: dict[str, list[Ask]] = {
    "vm_create.plan": [
        lambda s: s.vm_create.plan(
            VmCreation(spec=VmSpec(name="new-{n}", template="tiny"), count=3), principal=SYSTEM
        )
    ],
    "vm_power.plan": [
        lambda s: s.vm_power.plan("web", PowerAction.START, principal=SYSTEM),
        lambda s: s.vm_power.plan("on", PowerAction.SHUTDOWN, force=True, principal=SYSTEM),
        lambda s: s.vm_power.plan("on", PowerAction.RESET, principal=SYSTEM),
    ],
    "vm_edit.plan": [
        lambda s: s.vm_edit.plan("web", VmEdit(name="shop", vcpus=2), principal=SYSTEM),
        lambda s: s.vm_edit.plan("on", VmEdit(memory_mib=4096), principal=SYSTEM),
    ],
    "vm_devices.plan": [
        lambda s: s.vm_devices.plan(
            "web", AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES)), principal=SYSTEM
        ),
        lambda s: s.vm_devices.plan("web", AttachNic(nic=NicSpec()), principal=SYSTEM),
        lambda s: s.vm_devices.plan(
            "web", DetachDisk(target="vda", delete_volume=True), principal=SYSTEM
        ),
        lambda s: s.vm_devices.plan(
            "web", GrowDisk(target="vda", size_bytes=2 * DISK_BYTES), principal=SYSTEM
        ),
        lambda s: s.vm_devices.plan("web", ChangeMedium(target="sda"), principal=SYSTEM),
    ],
    "vm_clone.plan": [lambda s: s.vm_clone.plan("web", "copy", start=True, principal=SYSTEM)],
    "vm_delete.plan": [
        lambda s: s.vm_delete.plan("web", principal=SYSTEM),
        lambda s: s.vm_delete.plan("on", force=True, keep_disks=True, principal=SYSTEM),
    ],
    "hosts.plan_add": [
        lambda s: s.hosts.plan_add(HostChange(name="h2", uri="qemu:///system"), principal=SYSTEM)
    ],
    "hosts.plan_probe": [lambda s: s.hosts.plan_probe("h1", principal=SYSTEM)],
    "hosts.plan_remove": [lambda s: s.hosts.plan_remove("h1", principal=SYSTEM)],
    "templates.plan_build": [lambda s: s.templates.plan_build("micro", principal=SYSTEM)],
    "templates.plan_import": [lambda s: s.templates.plan_import("new", SOURCE, principal=SYSTEM)],
    "templates.plan_remove": [lambda s: s.templates.plan_remove("tiny", principal=SYSTEM)],
    "storage.plan_add_repository": [
        lambda s: s.storage.plan_add_repository("h1", "more", "/srv/more", principal=SYSTEM)
    ],
    "storage.plan_remove_repository": [
        lambda s: s.storage.plan_remove_repository("spare", principal=SYSTEM)
    ],
    "storage.plan_create_volume": [
        lambda s: s.storage.plan_create_volume(
            "spare", "new.qcow2", size_bytes=DISK_BYTES, principal=SYSTEM
        )
    ],
    "storage.plan_delete_volume": [
        lambda s: s.storage.plan_delete_volume("spare", "free.qcow2", principal=SYSTEM)
    ],
    "storage.plan_resize_volume": [
        lambda s: s.storage.plan_resize_volume(
            "spare", "free.qcow2", 2 * DISK_BYTES, principal=SYSTEM
        )
    ],
    "volume_import.plan": [
        lambda s: s.volume_import.plan("spare", "new.qcow2", SOURCE, principal=SYSTEM)
    ],
    "networks.plan_add": [lambda s: s.networks.plan_add("h1", NETWORK, principal=SYSTEM)],
    "networks.plan_remove": [lambda s: s.networks.plan_remove("lab0", principal=SYSTEM)],
}


@pytest.fixture
def furnished(world: World) -> World:
    """A world with something of everything."""
    services = world.services
    world.make_template()
    world.done(services.storage.add_repository("h1", "spare", "/srv/spare", principal=SYSTEM))
    world.done(
        services.storage.create_volume(
            "spare", "free.qcow2", size_bytes=DISK_BYTES, principal=SYSTEM
        )
    )
    cd = world.done(
        services.storage.create_volume(
            "default", "cd.iso", size_bytes=DISK_BYTES, format="raw", principal=SYSTEM
        )
    )
    assert cd
    spec = NetworkSpec(name="lab0", kind=NetworkKind.NAT, cidr="10.77.9.1/24")
    world.done(services.networks.add("h1", spec, principal=SYSTEM))
    world.make_vm("web", iso="default/cd.iso")
    world.make_vm("on")
    vm = world.start_vm("on")
    world.until(lambda: world.vm(vm.id).agent_connected, "the agent")
    return world


def counts(world: World) -> dict[str, Any]:
    """How many jobs there are, and of how much people were told."""
    with world.manager.database.read() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in (jobs, tables.events, tables.audit)
        }


def _nobody(*_: object) -> None:
    pytest.fail("A plan asked a host.")


def test_there_is_a_plan_of_each_kind() -> None:
    assert {name for name, _ in methods() if ".plan" in name} == set(PLANS)


def test_a_plan_changes_nothing(furnished: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = furnished
    world.until(lambda: not disagreements(world), "the database to be right")
    for side in ("hypervisor", "storage", "probe"):
        monkeypatch.setattr(world.manager.inventory, side, _nobody)
    for name, asks in PLANS.items():
        for ask in asks:
            before = (slate(world), counts(world))
            plan = ask(world.services)
            assert (slate(world), counts(world)) == before, name
            blocked = [one for one in plan.checks if one.verdict is Verdict.BLOCKED]
            assert not blocked, name
            assert plan.title
            assert plan.steps, name
