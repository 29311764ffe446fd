"""Changes a VM's definition and, where it runs, the VM itself."""

from typing import Any

from castalia.db import vms as vm_store
from castalia.hypervisor.driver import HypervisorDriver
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
from castalia.model.vm import Vm
from castalia.model.vm_edit import VmEdit
from castalia.workflows.arguments import from_json
from castalia.workflows.ownership import tagged
from castalia.workflows.parts import Parts


def vm_edit(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Applies `args["edit"]` to the VM `args["vm"]`. What a running VM cannot take at once, its
    next start will."""
    with parts.database.read() as connection:
        vm = vm_store.get(connection, context.args["vm"])
    edit = from_json(VmEdit, context.args["edit"])
    driver = parts.links.hypervisor(vm.host_id)
    active = context.step("look", lambda: driver.vm(vm.uuid).state.active)
    before = context.step("read definition", lambda: driver.xml(vm.uuid))
    if edit.name is not None and edit.name != vm.name:
        context.step(
            "rename",
            lambda: driver.rename(vm.uuid, str(edit.name)),
            undo=lambda _: driver.rename(vm.uuid, vm.name),
        )
    context.step(
        "change definition",
        lambda: driver.define(_edited(driver.xml(vm.uuid), edit)),
        undo=lambda _: driver.define(before),
    )
    if active:
        _change_running(context, driver, vm, edit)
    if edit.autostart is not None:
        wanted = edit.autostart
        context.step("autostart", lambda: driver.set_autostart(vm.uuid, enabled=wanted))
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


def _change_running(context: JobContext, driver: HypervisorDriver, vm: Vm, edit: VmEdit) -> None:
    before = vm.definition
    if edit.vcpus is not None and edit.vcpus <= before.max_vcpus:
        vcpus = edit.vcpus
        context.step(
            "change running vCPUs",
            lambda: driver.set_vcpus(vm.uuid, vcpus, live=True),
            undo=lambda _: driver.set_vcpus(vm.uuid, before.vcpus, live=True),
        )
    if edit.memory_mib is not None and edit.memory_mib <= before.max_memory_mib:
        memory_mib = edit.memory_mib
        context.step(
            "change running memory",
            lambda: driver.set_memory(vm.uuid, memory_mib, live=True),
            undo=lambda _: driver.set_memory(vm.uuid, before.memory_mib, live=True),
        )
    if edit.tags is not None:
        context.step("change running tags", lambda: _tag_running(driver, vm))


def _tag_running(driver: HypervisorDriver, vm: Vm) -> None:
    note = ownership(driver.xml(vm.uuid))
    if note is not None:
        driver.set_metadata(vm.uuid, ownership_xml(note))
