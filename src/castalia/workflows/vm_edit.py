"""Changes a VM's definition and, where it runs, the VM itself."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_boot import set_boot
from castalia.libvirtxml.domain_sizing import set_memory, set_vcpus
from castalia.libvirtxml.ownership import (
    ownership,
    ownership_of,
    ownership_xml,
    set_ownership,
)
from castalia.model.vm import Ownership, Vm
from castalia.model.vm_edit import VmEdit
from castalia.workflows.arguments import from_json
from castalia.workflows.ownership import tagged
from castalia.workflows.parts import Parts
from castalia.workflows.vm_before import VmBefore, driver_of, look


def vm_edit(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Applies `args["edit"]` to the VM `args["vm"]`. What a running VM cannot take at once, its
    next start will."""
    before = look(context, parts)
    vm, edit = before.vm, from_json(VmEdit, context.args["edit"])
    if edit.name is not None and edit.name != vm.name:
        context.step(
            "rename",
            lambda: driver_of(parts, vm).rename(vm.uuid, str(edit.name)),
            undo=lambda _: driver_of(parts, vm).rename(vm.uuid, vm.name),
        )
    context.step(
        "change definition",
        lambda: _redefine(parts, vm, edit),
        undo=lambda _: driver_of(parts, vm).define(_named(before.xml, edit.name or vm.name)),
    )
    if before.active:
        _change_running(context, parts, before, edit)
    if edit.autostart is not None:
        wanted = edit.autostart
        context.step(
            "autostart",
            lambda: driver_of(parts, vm).set_autostart(vm.uuid, enabled=wanted),
            undo=lambda _: driver_of(parts, vm).set_autostart(vm.uuid, enabled=vm.autostart),
        )
    context.step("refresh", lambda: parts.links.refresh_vm(vm.host_id, vm.uuid))
    parts.record(
        "vm.edited",
        f"{vm.name} was changed.",
        subject=f"vm:{vm.id}",
        subject_name=edit.name or vm.name,
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"vm": vm.id}


def _redefine(parts: Parts, vm: Vm, edit: VmEdit) -> None:
    driver = driver_of(parts, vm)
    driver.define(_edited(driver.xml(vm.uuid), edit))


def _named(text: str, name: str) -> str:
    """The definition under the name that the VM has while it is put back: undos run backwards, so
    the old name comes back after the old definition."""
    domain = Domain(text)
    domain.name = name
    return domain.text()


def _edited(text: str, edit: VmEdit) -> str:
    domain = Domain(text)
    if edit.vcpus is not None:
        set_vcpus(domain, edit.vcpus)
    if edit.memory_mib is not None:
        set_memory(domain, edit.memory_mib)
    if edit.description is not None:
        domain.description = edit.description
    if edit.tags is not None:
        set_ownership(domain, tagged(ownership_of(domain), edit.tags))
    if edit.boot is not None:
        set_boot(domain, edit.boot)
    return domain.text()


def _change_running(context: JobContext, parts: Parts, before: VmBefore, edit: VmEdit) -> None:
    vm, was = before.vm, before.vm.definition
    if edit.vcpus is not None and edit.vcpus <= was.max_vcpus:
        vcpus = edit.vcpus
        context.step(
            "change running vCPUs",
            lambda: driver_of(parts, vm).set_vcpus(vm.uuid, vcpus, live=True),
            undo=lambda _: driver_of(parts, vm).set_vcpus(vm.uuid, was.vcpus, live=True),
        )
    if edit.memory_mib is not None and edit.memory_mib <= was.max_memory_mib:
        memory_mib = edit.memory_mib
        context.step(
            "change running memory",
            lambda: driver_of(parts, vm).set_memory(vm.uuid, memory_mib, live=True),
            undo=lambda _: driver_of(parts, vm).set_memory(vm.uuid, was.memory_mib, live=True),
        )
    if edit.tags is not None:
        context.step(
            "change running tags",
            lambda: _tag_running(parts, vm, driver_of(parts, vm).xml(vm.uuid)),
            undo=lambda _: _tag_running(parts, vm, before.xml),
        )


def _tag_running(parts: Parts, vm: Vm, text: str) -> None:
    """Gives the running VM the note that stands in `text`."""
    note = ownership(text) or Ownership()
    driver_of(parts, vm).set_metadata(vm.uuid, ownership_xml(note))
