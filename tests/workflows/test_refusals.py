"""What cannot be done is refused before there is a job, with a code, the reason and the remedy, and
the plan says the same. Of two edits at once, one wins."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.workflows.world import DISK_BYTES, World

from castalia.errors import (
    CastaliaError,
    Conflict,
    EditConflict,
    InsufficientCapacity,
    InvalidRequest,
    NotFound,
)
from castalia.model.access import SYSTEM
from castalia.model.host import HostChange, HostEdit
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.model.page import PageRequest
from castalia.model.template import TemplateEdit
from castalia.model.vm import DiskSpec, NicSpec, PowerAction, VmCreation, VmSpec
from castalia.model.vm_edit import AttachDisk, AttachNic, ChangeMedium, DetachDisk, GrowDisk, VmEdit
from castalia.services.services import Services
from castalia.services.vm_planner import planned_creation

MAC = "52:54:00:00:00:07"
Call = Callable[[Services, str], Any]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request that is refused. `call` gets the services and whether to plan or to do it; without
    a `code` the values themselves are wrong, which a plan says in the same way."""

    call: Call
    error: type[CastaliaError]
    code: str = ""
    field: str = ""


def creation(**spec: Any) -> Call:
    wanted = VmCreation(spec=VmSpec(**{"name": "new", "memory_mib": 64, **spec}))
    return lambda s, verb: getattr(s.vm_create, verb or "create")(wanted, principal=SYSTEM)


def power(ref: str, action: PowerAction, **options: Any) -> Call:
    return lambda s, verb: getattr(s.vm_power, verb or "power")(
        ref, action, **options, principal=SYSTEM
    )


def edit(ref: str, **values: Any) -> Call:
    return lambda s, verb: getattr(s.vm_edit, verb or "edit")(
        ref, VmEdit(**values), principal=SYSTEM
    )


def device(ref: str, operation: Any) -> Call:
    return lambda s, verb: getattr(s.vm_devices, verb or "run")(ref, operation, principal=SYSTEM)


def other(noun: str, does: str, *args: Any, **options: Any) -> Call:
    def call(services: Services, verb: str) -> Any:
        name = does if not verb else verb if noun.startswith("vm_") else f"{verb}_{does}"
        return getattr(getattr(services, noun), name)(*args, **options, principal=SYSTEM)

    return call


def network(**values: Any) -> NetworkSpec:
    return NetworkSpec(**{"name": "lab", "kind": NetworkKind.NAT, "cidr": "10.9.9.1/24", **values})


REFUSALS = {
    "create: name taken": Refusal(
        call=creation(name="off"), error=Conflict, code="vm.name-taken", field="name"
    ),
    "create: bad name": Refusal(call=creation(name="a b"), error=InvalidRequest, field="name"),
    "create: no such host": Refusal(
        call=creation(host="h9"), error=NotFound, code="missing.host", field="host"
    ),
    "create: too large": Refusal(
        call=creation(memory_mib=1_000_000), error=InsufficientCapacity, code="capacity.host"
    ),
    "create: no such template": Refusal(call=creation(template="none"), error=NotFound),
    "create: no such network": Refusal(
        call=creation(nics=(NicSpec(network="none"),)),
        error=InsufficientCapacity,
        code="capacity.host",
    ),
    "create: disk below template": Refusal(
        call=creation(template="tiny", disk_bytes=1024**2), error=InvalidRequest, field="disk_bytes"
    ),
    "create: mode": Refusal(call=creation(mode="pvh"), error=InvalidRequest, field="mode"),
    "create: bus": Refusal(
        call=creation(disks=(DiskSpec(size_bytes=DISK_BYTES, bus="mfm"),)),
        error=InvalidRequest,
        field="bus",
    ),
    **{
        f"create: {field} {number}": Refusal(
            call=creation(**spec), error=InvalidRequest, field=field
        )
        for number, (field, spec) in enumerate(
            (
                ("disks[0].format", {"disks": (DiskSpec(size_bytes=DISK_BYTES, format="vmdk"),)}),
                ("disks[0].size_bytes", {"disks": (DiskSpec(size_bytes=1),)}),
                ("disks[0].size_bytes", {"disks": (DiskSpec(size_bytes=2**60),)}),
                ("nics[0].mac", {"nics": (NicSpec(mac="zz"),)}),
                ("nics[1].mac", {"nics": (NicSpec(), NicSpec(mac="ff:ff:ff:ff:ff:ff"))}),
                ("nics[1].mac", {"nics": (NicSpec(mac=MAC), NicSpec(mac=MAC))}),
                ("nics[0].model", {"nics": (NicSpec(model="ne9"),)}),
                ("firmware", {"firmware": "openboot"}),
                ("max_memory_mib", {"max_memory_mib": 2**50}),
                ("max_memory_mib", {"max_memory_mib": 32}),
                ("description", {"description": "x" * 10_001}),
                ("tags", {"tags": tuple(f"t{n}" for n in range(65))}),
            )
        )
    },
    "edit: description": Refusal(
        call=edit("off", description="x" * 10_001), error=InvalidRequest, field="description"
    ),
    "attach: format": Refusal(
        call=device("off", AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES, format="vmdk"))),
        error=InvalidRequest,
        field="format",
    ),
    "attach: multicast": Refusal(
        call=device("off", AttachNic(nic=NicSpec(mac="ff:ff:ff:ff:ff:ff"))),
        error=InvalidRequest,
        field="mac",
    ),
    "attach: model": Refusal(
        call=device("off", AttachNic(nic=NicSpec(model="ne9"))), error=InvalidRequest, field="model"
    ),
    "start: running": Refusal(
        call=power("on", PowerAction.START), error=Conflict, code="vm.wrong-state"
    ),
    "pause: stopped": Refusal(
        call=power("off", PowerAction.PAUSE), error=Conflict, code="vm.wrong-state"
    ),
    "shutdown: no time": Refusal(
        call=power("on", PowerAction.SHUTDOWN, timeout_s=0), error=InvalidRequest, field="timeout_s"
    ),
    "power: no such VM": Refusal(call=power("none", PowerAction.START), error=NotFound),
    "edit: nothing": Refusal(call=edit("off"), error=InvalidRequest, field="edit"),
    "edit: rename running": Refusal(
        call=edit("on", name="x"), error=Conflict, code="vm.wrong-state", field="name"
    ),
    "edit: name taken": Refusal(
        call=edit("off", name="on"), error=Conflict, code="vm.name-taken", field="name"
    ),
    "edit: vCPUs": Refusal(call=edit("off", vcpus=0), error=InvalidRequest, field="vcpus"),
    "edit: memory": Refusal(call=edit("off", memory_mib=1), error=InvalidRequest),
    "attach: cold bus": Refusal(
        call=device("on", AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES, bus="sata"))),
        error=Conflict,
        code="vm.wrong-state",
        field="bus",
    ),
    "attach: volume of another": Refusal(
        call=device("off", AttachDisk(disk=DiskSpec(volume="shared.qcow2"))),
        error=Conflict,
        code="volume.in-use",
        field="volume",
    ),
    "attach: MAC twice": Refusal(
        call=device("off", AttachNic(nic=NicSpec(mac=MAC.upper()))),
        error=Conflict,
        code="vm.mac-taken",
        field="mac",
    ),
    "attach: no MAC": Refusal(
        call=device("off", AttachNic(nic=NicSpec(mac="52:54"))), error=InvalidRequest, field="mac"
    ),
    "attach: no such network": Refusal(
        call=device("off", AttachNic(nic=NicSpec(network="none"))), error=NotFound, field="network"
    ),
    "detach: no such disk": Refusal(
        call=device("off", DetachDisk(target="vdz")), error=NotFound, field="target"
    ),
    "detach: others need it": Refusal(
        call=device("off", DetachDisk(target="vdb", delete_volume=True)),
        error=Conflict,
        code="volume.in-use",
    ),
    "grow: smaller": Refusal(
        call=device("off", GrowDisk(target="vda", size_bytes=1024**2)),
        error=InvalidRequest,
        field="size_bytes",
    ),
    "medium: a disk": Refusal(
        call=device("off", ChangeMedium(target="vda")), error=InvalidRequest, field="target"
    ),
    "clone: running": Refusal(
        call=other("vm_clone", "clone", "on", "copy"), error=Conflict, code="vm.wrong-state"
    ),
    "clone: name taken": Refusal(
        call=other("vm_clone", "clone", "off", "on"), error=Conflict, code="vm.name-taken"
    ),
    "delete: running": Refusal(
        call=other("vm_delete", "delete", "on"), error=Conflict, code="vm.running"
    ),
    "host: name taken": Refusal(
        call=other("hosts", "add", HostChange(name="h1", uri="qemu:///session")),
        error=Conflict,
        code="host.name-taken",
        field="name",
    ),
    "template: in use": Refusal(
        call=other("templates", "remove", "tiny"), error=Conflict, code="template.in-use"
    ),
    "repository: in use": Refusal(
        call=other("storage", "remove_repository", "default"),
        error=Conflict,
        code="repository.in-use",
    ),
    "repository: name taken": Refusal(
        call=other("storage", "add_repository", "h1", "default", "/srv/x"),
        error=Conflict,
        code="repository.name-taken",
    ),
    "repository: system": Refusal(
        call=other("storage", "add_repository", "h1", "etc", "/etc"),
        error=InvalidRequest,
        field="path",
    ),
    "volume: name taken": Refusal(
        call=other("storage", "create_volume", "default", "shared.qcow2", size_bytes=DISK_BYTES),
        error=Conflict,
        code="volume.name-taken",
    ),
    "volume: in use": Refusal(
        call=other("storage", "delete_volume", "default", "shared.qcow2"),
        error=Conflict,
        code="volume.in-use",
    ),
    "volume: shrink": Refusal(
        call=other("storage", "resize_volume", "default", "shared.qcow2", 1024**2),
        error=InvalidRequest,
        field="size_bytes",
    ),
    "network: in use": Refusal(
        call=other("networks", "remove", "default"), error=Conflict, code="network.in-use"
    ),
    "network: name taken": Refusal(
        call=other("networks", "add", "h1", network(name="default")),
        error=Conflict,
        code="network.name-taken",
    ),
    "network: overlap": Refusal(
        call=other("networks", "add", "h1", network(cidr="192.168.122.129/25")),
        error=Conflict,
        code="network.overlap",
        field="cidr",
    ),
    "network: no range": Refusal(
        call=other("networks", "add", "h1", network(cidr="10.9.9.0/24")),
        error=InvalidRequest,
        field="cidr",
    ),
}


@pytest.fixture(scope="module")
def furnished(shared_world: World) -> World:
    """`off`, `on` and `linked`, and a volume that two of them have."""
    world = shared_world
    world.make_template()
    services = world.services
    world.done(
        services.storage.create_volume(
            "default", "shared.qcow2", size_bytes=2 * DISK_BYTES, principal=SYSTEM
        )
    )
    shared = (DiskSpec(volume="shared.qcow2"),)
    world.make_vm("off", disks=shared, nics=(NicSpec(mac=MAC),))
    world.make_vm("on", disks=shared, nics=(NicSpec(),))
    world.make_vm("linked", template="tiny", disk_bytes=0)
    world.start_vm("on")
    return world


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused(furnished: World, name: str) -> None:
    refusal, services = REFUSALS[name], furnished.services
    jobs = services.jobs.list(PageRequest(), principal=SYSTEM).total
    with pytest.raises(refusal.error) as caught:
        refusal.call(services, "")
    error = caught.value
    assert type(error) is refusal.error
    assert error.message
    assert error.remedy
    if refusal.code:
        assert error.code == refusal.code
    if refusal.field:
        assert error.field == refusal.field
    assert services.jobs.list(PageRequest(), principal=SYSTEM).total == jobs
    check_plan(refusal, services, error)


def check_plan(refusal: Refusal, services: Services, error: CastaliaError) -> None:
    """The plan says the same: as a check that blocks, or by the same error."""
    try:
        plan = refusal.call(services, "plan")
    except CastaliaError as same:
        assert (same.message, same.code) == (error.message, error.code)  # noqa: PT017 -- both ways are right
        return
    blocked = [check for check in plan.checks if check.code == error.code]
    assert [(check.reason, check.remedy) for check in blocked][:1] == [
        (error.message, error.remedy)
    ]


EDITS: dict[str, Callable[[Services, int], object]] = {
    "vm_edit": lambda s, n: s.vm_edit.edit(
        "off", VmEdit(description=str(n)), expected_revision=revision_of(s), principal=SYSTEM
    ),
    "vm_devices": lambda s, n: s.vm_devices.run(
        "off",
        AttachDisk(disk=DiskSpec(size_bytes=DISK_BYTES)),
        expected_revision=revision_of(s),
        principal=SYSTEM,
    ),
    "hosts": lambda s, n: s.hosts.edit(
        "h1", HostEdit(description=str(n)), expected_revision=1, principal=SYSTEM
    ),
    "templates": lambda s, n: s.templates.edit(
        "tiny", TemplateEdit(title=str(n)), expected_revision=1, principal=SYSTEM
    ),
}
_READ = threading.Barrier(2, timeout=20)


def revision_of(services: Services) -> int:
    """What both editors have read before either writes."""
    revision = services.vms.get("off", principal=SYSTEM).revision
    _READ.wait()
    return revision


@pytest.mark.parametrize("noun", EDITS)
def test_of_two_edits_at_once_one_wins(world: World, noun: str) -> None:
    world.make_template()
    world.make_vm("off")
    outcomes: list[object] = []

    def run(number: int) -> None:
        try:
            outcomes.append(EDITS[noun](world.services, number))
        except CastaliaError as error:
            outcomes.append(error)

    editors = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join()
    lost = [outcome for outcome in outcomes if isinstance(outcome, CastaliaError)]
    assert [type(error) for error in lost] == [EditConflict]
    assert lost[0].remedy
    assert len(outcomes) == 2


def test_of_a_tag_that_is_repeated_one_is_kept(furnished: World) -> None:
    wanted = VmCreation(spec=VmSpec(name="new", memory_mib=64, tags=("a", "b", "a")))
    with furnished.manager.database.read() as connection:
        assert planned_creation(connection, wanted).vms[0].tags == ("a", "b")


def test_the_managers_own_directory_is_no_repository(furnished: World) -> None:
    services, own = furnished.services.storage, furnished.state_dir
    link = own.parent / "link"
    link.symlink_to(own)
    for path in (own, own / "templates", own.parent, link / "uploads"):
        for verb in (services.plan_add_repository, services.add_repository):
            with pytest.raises(InvalidRequest) as caught:
                verb("h1", "mine", str(path), principal=SYSTEM)
            assert caught.value.field == "path"
            assert "manager" in caught.value.message
            assert caught.value.remedy
    services.plan_add_repository("h1", "mine", str(own.parent / "other"), principal=SYSTEM)
    services.plan_add_repository("h1", "mine", str(own / "images"), principal=SYSTEM)
