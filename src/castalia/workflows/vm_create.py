"""Makes VMs: record, template, disks, seed, definition, start. All of them, or none."""

import io
from typing import Any

from sqlalchemy import Connection

from castalia.db import templates as template_store
from castalia.db import vms as vm_store
from castalia.errors import NotFound
from castalia.hypervisor.driver import HypervisorDriver
from castalia.images.seed import seed_iso
from castalia.jobs.context import JobContext
from castalia.model.clock import now
from castalia.model.storage import VolumeFormat
from castalia.model.vm import Definition, Vm, VmState
from castalia.model.vm_plan import PlannedDisk, PlannedVm
from castalia.workflows import volumes
from castalia.workflows.arguments import from_json
from castalia.workflows.parts import Parts
from castalia.workflows.template_copy import ensure_copy
from castalia.workflows.vm_definition import SEED, domain_xml


def vm_create(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes every VM of `args["vms"]`; the result names them."""
    planned = [from_json(PlannedVm, data) for data in context.args["vms"]]
    for number, vm in enumerate(planned):
        context.check()
        context.progress(100 * number // len(planned), f"Creating {vm.name}")
        _create(context, parts, vm)
    return {"vms": [{"id": vm.uuid, "name": vm.name} for vm in planned]}


def _create(context: JobContext, parts: Parts, vm: PlannedVm) -> None:
    def driver() -> HypervisorDriver:
        return parts.links.hypervisor(vm.host_id)

    context.step(
        f"{vm.name}: record",
        lambda: _record(parts, vm),
        undo=lambda _: _forget(parts, vm),
    )
    paths = context.step(
        f"{vm.name}: disks",
        lambda: _make_disks(context, parts, vm),
        undo=lambda _: _delete_disks(parts, vm),
    )
    context.step(
        f"{vm.name}: define",
        lambda: _define(context, parts, vm, paths),
        undo=lambda _: driver().undefine(vm.uuid),
    )
    if vm.start:
        context.step(
            f"{vm.name}: start",
            lambda: driver().start(vm.uuid),
            undo=lambda _: driver().stop(vm.uuid),
        )
    context.step(f"{vm.name}: announce", lambda: _announce(context, parts, vm))


def _record(parts: Parts, vm: PlannedVm) -> None:
    with parts.database.write() as connection:
        known = vm_store.many(connection, [vm.uuid])
        changes = [] if known else [vm_store.insert(connection, _row(vm))]
    parts.publish(changes)


def _row(vm: PlannedVm) -> Vm:
    definition = Definition(
        uuid=vm.uuid,
        name=vm.name,
        vcpus=vm.vcpus,
        max_vcpus=vm.max_vcpus,
        memory_mib=vm.memory_mib,
        max_memory_mib=vm.max_memory_mib,
    )
    return Vm(
        id=vm.uuid,
        uuid=vm.uuid,
        host_id=vm.host_id,
        name=vm.name,
        state=VmState.CREATING,
        definition=definition,
        mode=vm.mode,
        description=vm.description,
        tags=vm.tags,
        template=vm.template,
        size=vm.size,
        autostart=vm.autostart,
        created_at=now(),
    )


def _forget(parts: Parts, vm: PlannedVm) -> None:
    with parts.database.write() as connection:
        change = vm_store.delete(connection, vm.uuid)
    if change is not None:
        parts.publish([change])


def _make_disks(context: JobContext, parts: Parts, vm: PlannedVm) -> dict[str, str]:
    """Paths on the host, by target; the seed's stands under SEED."""
    paths = {disk.target: _make_disk(context, parts, vm, disk) for disk in vm.disks}
    if vm.seed is not None:
        content = seed_iso(vm.seed, instance_id=vm.uuid, name=vm.name)
        facts = parts.links.storage(vm.host_id).upload_volume(
            vm.seed_repository,
            vm.seed_volume,
            io.BytesIO(content),
            size_bytes=len(content),
            format=VolumeFormat.ISO,
        )
        paths[SEED] = volumes.noted(parts, facts, host_id=vm.host_id, repository=vm.seed_repository)
    return paths


def _make_disk(context: JobContext, parts: Parts, vm: PlannedVm, disk: PlannedDisk) -> str:
    storage = parts.links.storage(vm.host_id)
    if not disk.made:
        return storage.volume(disk.repository, disk.volume).path
    backing = ""
    if disk.template_id:
        with parts.database.read() as connection:
            _check_template(connection, vm, disk)
        backing = ensure_copy(
            context,
            parts,
            template_id=disk.template_id,
            host_id=vm.host_id,
            repository=disk.repository,
        )
    facts = storage.create_volume(
        disk.repository,
        disk.volume,
        size_bytes=disk.size_bytes,
        format=VolumeFormat(disk.format),
        backing_path=backing,
    )
    return volumes.noted(parts, facts, host_id=vm.host_id, repository=disk.repository)


def _check_template(connection: Connection, vm: PlannedVm, disk: PlannedDisk) -> None:
    """It may have been removed while this job waited."""
    if not template_store.many(connection, [disk.template_id]):
        raise NotFound(
            f"There is no template {vm.template!r} any more.",
            code="template.not-found",
            field="template",
            remedy="It was removed before the VM was made. Choose another template.",
        )


def _delete_disks(parts: Parts, vm: PlannedVm) -> None:
    made = [(disk.repository, disk.volume) for disk in vm.disks if disk.made]
    if vm.seed is not None:
        made.append((vm.seed_repository, vm.seed_volume))
    for repository, name in made:
        volumes.delete(parts, host_id=vm.host_id, repository=repository, name=name)


def _define(context: JobContext, parts: Parts, vm: PlannedVm, paths: dict[str, str]) -> None:
    driver = parts.links.hypervisor(vm.host_id)
    driver.define(domain_xml(vm, paths, job_id=context.job_id, created_at=now()))
    if vm.autostart:
        driver.set_autostart(vm.uuid, enabled=True)


def _announce(context: JobContext, parts: Parts, vm: PlannedVm) -> None:
    parts.links.refresh_vm(vm.host_id, vm.uuid)
    origin = f" from template {vm.template}" if vm.template else ""
    parts.record(
        "vm.created",
        f"{vm.name} was created{origin}.",
        subject=f"vm:{vm.uuid}",
        subject_name=vm.name,
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
