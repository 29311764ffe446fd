"""What can be done with a VM."""

from collections.abc import Callable
from typing import Any, TypeVar

from castalia.errors import InvalidRequest
from castalia.model.access import Role
from castalia.model.amount import parse_mib
from castalia.model.job import Job
from castalia.model.plan import Plan
from castalia.model.vm import PowerAction, Vm, VmState
from castalia.model.vm_edit import VmEdit
from castalia.web.changes import Ask, Change, Field, by_verb
from castalia.web.changes_vm_devices import DEVICE_CHANGES
from castalia.web.command import Command, options

T = TypeVar("T")
_OFF = {VmState.STOPPED, VmState.CRASHED, VmState.SUSPENDED}
_ON = {VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN}


def _in(*states: VmState) -> Callable[[Any], bool]:
    return lambda vm: vm.state in states


def _power(action: PowerAction, label: str, icon: str, **more: Any) -> Change:
    def plan(ask: Ask) -> Plan:
        return ask.services.vm_power.plan(ask.ref, action, principal=ask.principal)

    def run(ask: Ask) -> Job:
        return ask.services.vm_power.power(ask.ref, action, principal=ask.principal)

    def command(ask: Ask) -> Command:
        path = f"/vms/{ask.subject.id}/{action}"
        return Command(words=["vm", action, ask.subject.name], path=path, method="POST")

    return Change(
        noun="vm", verb=action, label=label, icon=icon, plan=plan, run=run, command=command, **more
    )


def _edit(ask: Ask) -> VmEdit:
    """What the form changes; as the dialog opens, nothing was filled in and nothing changes."""
    vm: Vm = ask.subject
    if "revision" not in ask.form:
        return VmEdit()
    memory = parse_mib(ask.text("memory"), field="memory") if ask.text("memory") else None
    return VmEdit(
        vcpus=_changed(_vcpus(ask), vm.definition.vcpus),
        memory_mib=_changed(memory, vm.definition.memory_mib),
        description=_changed(ask.form.get("description"), vm.description),
        tags=_changed(ask.words("tags"), vm.tags),
        autostart=_changed(ask.flag("autostart"), vm.autostart),
    )


def _changed(new: T | None, old: T) -> T | None:
    return None if new == old else new


def _vcpus(ask: Ask) -> int:
    text = ask.text("vcpus") or str(ask.subject.definition.vcpus)
    if not text.isdecimal():
        remedy = "Write digits only."
        raise InvalidRequest(f"{text!r} is no number.", field="vcpus", remedy=remedy)
    return int(text)


def _edit_plan(ask: Ask) -> Plan:
    edit = _edit(ask)
    if edit == VmEdit():
        return Plan(title=f"Edit {ask.subject.name}")
    return ask.services.vm_edit.plan(ask.ref, edit, principal=ask.principal)


def _edit_run(ask: Ask) -> Job:
    revision = int(ask.text("revision") or ask.subject.revision)
    return ask.services.vm_edit.edit(
        ask.ref, _edit(ask), expected_revision=revision, principal=ask.principal
    )


def _edit_command(ask: Ask) -> Command:
    vcpus = _vcpus(ask)
    memory = ask.text("memory") or f"{ask.subject.definition.memory_mib}M"
    body = {"vcpus": vcpus, "memory_mib": parse_mib(memory, field="memory")}
    words = ["vm", "edit", ask.subject.name, *options({"vcpus": vcpus, "memory": memory})]
    return Command(words=words, path=f"/vms/{ask.subject.id}", method="PATCH", body=body)


def _rename_command(ask: Ask) -> Command:
    name = ask.text("name") or "NEW-NAME"
    words = ["vm", "rename", ask.subject.name, name]
    return Command(words=words, path=f"/vms/{ask.subject.id}", method="PATCH", body={"name": name})


def _clone_command(ask: Ask) -> Command:
    name, start = ask.text("name") or "NEW-NAME", ask.flag("start")
    words = ["vm", "clone", ask.subject.name, name, *options({"start": start})]
    body = {"name": name, "start": start}
    return Command(words=words, path=f"/vms/{ask.subject.id}/clone", method="POST", body=body)


def _keeps(ask: Ask) -> bool:
    return ask.text("disks", "delete") == "keep"


def _delete_command(ask: Ask) -> Command:
    keep, force = _keeps(ask), ask.subject.state.active
    words = ["vm", "delete", ask.subject.name, *options({"keep-disks": keep, "force": force})]
    query = {"keep_disks": "true" if keep else "", "force": "true" if force else ""}
    return Command(words=words, path=f"/vms/{ask.subject.id}", method="DELETE", query=query)


_POWER = (
    _power(PowerAction.START, "Start", "player-play", offered=_in(*_OFF), at_once=True),
    _power(PowerAction.RESUME, "Resume", "player-play", offered=_in(VmState.PAUSED), at_once=True),
    _power(PowerAction.SHUTDOWN, "Shut down", "power", offered=_in(VmState.RUNNING)),
    _power(PowerAction.REBOOT, "Reboot", "rotate-clockwise", offered=_in(VmState.RUNNING)),
    _power(PowerAction.PAUSE, "Pause", "player-pause", offered=_in(VmState.RUNNING)),
    _power(
        PowerAction.SUSPEND,
        "Suspend to disk",
        "zzz",
        offered=_in(VmState.RUNNING, VmState.PAUSED),
    ),
    _power(
        PowerAction.DISCARD,
        "Discard saved memory",
        "circle-x",
        offered=_in(VmState.SUSPENDED),
        danger=True,
    ),
    _power(PowerAction.RESET, "Reset", "bolt", offered=_in(*_ON), danger=True),
    _power(PowerAction.STOP, "Cut the power", "player-stop", offered=_in(*_ON), danger=True),
)

_RECORD = (
    Change(
        noun="vm",
        verb="edit",
        label="Edit",
        icon="pencil",
        button="Save",
        fields=(
            Field(
                name="vcpus",
                label="vCPUs",
                kind="number",
                value=lambda ask: ask.subject.definition.vcpus,
                hint="Runs on at the next start where it cannot be changed live; the plan says so.",
            ),
            Field(
                name="memory",
                label="Memory",
                value=lambda ask: f"{ask.subject.definition.memory_mib}M",
                hint="512M or 2G",
            ),
            Field(
                name="tags",
                label="Tags",
                value=lambda ask: " ".join(ask.subject.tags),
                placeholder="web team:blue",
            ),
            Field(
                name="description",
                label="Description",
                kind="area",
                value=lambda ask: ask.subject.description,
            ),
            Field(
                name="autostart",
                label="Start with its host",
                kind="check",
                value=lambda ask: ask.subject.autostart,
            ),
            Field(
                name="revision",
                label="",
                kind="hidden",
                value=lambda ask: ask.subject.revision,
            ),
        ),
        plan=_edit_plan,
        run=_edit_run,
        command=_edit_command,
    ),
    Change(
        noun="vm",
        verb="rename",
        label="Rename",
        icon="tag",
        fields=(
            Field(name="name", label="New name", required=True, value=lambda ask: ask.subject.name),
        ),
        plan=lambda ask: ask.services.vm_edit.plan(
            ask.ref, VmEdit(name=ask.text("name", ask.subject.name)), principal=ask.principal
        ),
        run=lambda ask: ask.services.vm_edit.edit(
            ask.ref,
            VmEdit(name=ask.text("name")),
            expected_revision=None,
            principal=ask.principal,
        ),
        command=_rename_command,
    ),
    Change(
        noun="vm",
        verb="clone",
        label="Clone",
        icon="copy-plus",
        fields=(
            Field(
                name="name",
                label="Name of the clone",
                required=True,
                value=lambda ask: f"{ask.subject.name}-copy",
            ),
            Field(name="start", label="Start it", kind="check"),
        ),
        plan=lambda ask: ask.services.vm_clone.plan(
            ask.ref,
            ask.text("name", f"{ask.subject.name}-copy"),
            start=ask.flag("start"),
            principal=ask.principal,
        ),
        run=lambda ask: ask.services.vm_clone.clone(
            ask.ref, ask.text("name"), start=ask.flag("start"), principal=ask.principal
        ),
        command=_clone_command,
    ),
    Change(
        noun="vm",
        verb="delete",
        label="Delete",
        icon="trash",
        danger=True,
        confirm_name=lambda ask: not _keeps(ask),
        fields=(
            Field(
                name="disks",
                label="Disks",
                kind="radio",
                choices=lambda _: (
                    ("delete", "Delete them with all data on them"),
                    ("keep", "Keep them in their repository"),
                ),
                value=lambda _: "delete",
            ),
        ),
        plan=lambda ask: ask.services.vm_delete.plan(
            ask.ref,
            keep_disks=_keeps(ask),
            force=ask.subject.state.active,
            principal=ask.principal,
        ),
        run=lambda ask: ask.services.vm_delete.delete(
            ask.ref,
            keep_disks=_keeps(ask),
            force=ask.subject.state.active,
            principal=ask.principal,
        ),
        command=_delete_command,
    ),
)

CHANGES = by_verb(*_POWER, *_RECORD, *DEVICE_CHANGES)
_MENU = [change.verb for change in (*_POWER, *_RECORD)]


def offered(vm: Vm, role: Role) -> list[Change]:
    """What somebody in `role` can do with the VM in its state, the obvious thing first."""
    menu = (CHANGES[verb] for verb in _MENU)
    return [change for change in menu if change.offered(vm) and role.allows(change.role)]
