"""Deletes a VM, with or without its disks."""

from functools import partial
from typing import Any

from castalia.db import vms as vm_store
from castalia.jobs.context import JobContext
from castalia.model.vm import Vm
from castalia.workflows import volumes
from castalia.workflows.parts import Parts
from castalia.workflows.vm_before import VmBefore, driver_of, look
from castalia.workflows.vm_power import shut_down


def vm_delete(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Stops and undefines the VM `args["vm"]`, then deletes `args["volumes"]` ([repository, name]
    pairs).

    Until the first volume is deleted, it can be cancelled, and everything is undone. A failure
    after that gives back the VM without the volume, to be deleted once more.
    """
    before = look(context, parts)
    vm = before.vm
    context.step("power off", lambda: _power_off(context, parts, vm))
    context.step(
        "undefine",
        lambda: driver_of(parts, vm).undefine(vm.uuid),
        undo=lambda _: _redefine(parts, before),
    )
    for repository, name in context.args["volumes"]:
        context.step(
            f"delete {repository}/{name}",
            partial(volumes.delete, parts, host_id=vm.host_id, repository=repository, name=name),
            final=True,
        )
    context.step("forget", lambda: _forget(context, parts, vm))
    return {"vm": vm.id, "name": vm.name, "volumes": context.args["volumes"]}


def _power_off(context: JobContext, parts: Parts, vm: Vm) -> None:
    driver = driver_of(parts, vm)
    if context.args.get("graceful"):
        shut_down(context, driver, vm)
    else:
        driver.stop(vm.uuid)


def _redefine(parts: Parts, before: VmBefore) -> None:
    vm, driver = before.vm, driver_of(parts, before.vm)
    driver.define(before.xml)
    driver.set_autostart(vm.uuid, enabled=vm.autostart)
    parts.links.refresh_vm(vm.host_id, vm.uuid)


def _forget(context: JobContext, parts: Parts, vm: Vm) -> None:
    with parts.database.write() as connection:
        change = vm_store.delete(connection, vm.id)
    if change is not None:
        parts.publish([change])
    parts.record(
        "vm.deleted",
        f"{vm.name} was deleted.",
        subject=f"vm:{vm.id}",
        subject_name=vm.name,
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
