"""Adds, changes and removes devices of a VM, whether it runs or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from castalia.db import storage as storage_store
from castalia.db import vms as vm_store
from castalia.errors import NotFound
from castalia.hypervisor.driver import HypervisorDriver
from castalia.jobs.context import JobContext
from castalia.libvirtxml.device_build import disk_xml, nic_xml
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_disks import set_medium
from castalia.libvirtxml.domain_nics import set_link
from castalia.libvirtxml.domain_plan import DiskPlan, NicPlan
from castalia.model.storage import VolumeFormat
from castalia.model.vm import Vm
from castalia.model.vm_edit import (
    AttachDisk,
    AttachNic,
    ChangeMedium,
    DetachDisk,
    DetachNic,
    DeviceOperation,
    GrowDisk,
    SetLink,
)
from castalia.workflows.arguments import from_json
from castalia.workflows.parts import Parts

OPERATIONS: dict[str, type[DeviceOperation]] = {
    kind.__name__: kind
    for kind in (AttachDisk, GrowDisk, DetachDisk, AttachNic, DetachNic, SetLink, ChangeMedium)
}
"""The operations by the name that stands in a job's arguments."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One run: the job, what it works with, and the VM as it was when the job began; `live` says
    that it ran."""

    context: JobContext
    parts: Parts
    vm: Vm
    live: bool

    @property
    def driver(self) -> HypervisorDriver:
        return self.parts.links.hypervisor(self.vm.host_id)


def vm_devices(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Does `args["operation"]` to the VM `args["vm"]`; `args["kind"]` names the operation's
    type."""
    with parts.database.read() as connection:
        vm = vm_store.get(connection, context.args["vm"])
    operation = from_json(OPERATIONS[context.args["kind"]], context.args["operation"])
    driver = parts.links.hypervisor(vm.host_id)
    live = context.step("look", lambda: driver.vm(vm.uuid).state.active)
    work = _Work(context=context, parts=parts, vm=vm, live=live)
    deeds: dict[type[Any], Callable[[_Work, Any], str]] = {
        AttachDisk: _attach_disk,
        GrowDisk: _grow_disk,
        DetachDisk: _detach_disk,
        AttachNic: _attach_nic,
        DetachNic: _detach_nic,
        SetLink: _set_link,
        ChangeMedium: _change_medium,
    }
    text = deeds[type(operation)](work, operation)
    context.step("refresh", lambda: parts.links.refresh_vm(vm.host_id, vm.uuid))
    parts.record(
        "vm.devices",
        f"{vm.name}: {text}",
        subject=f"vm:{vm.id}",
        subject_name=vm.name,
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"vm": vm.id}


def _attach_disk(work: _Work, operation: AttachDisk) -> str:
    args, storage = work.context.args, work.parts.links.storage(work.vm.host_id)
    disk, repository, volume = operation.disk, args["repository"], args["volume"]
    made = bool(disk.size_bytes)
    if made:
        work.context.step(
            "make volume",
            lambda: (
                storage.create_volume(
                    repository, volume, size_bytes=disk.size_bytes, format=VolumeFormat(disk.format)
                ).path
            ),
            undo=lambda _: storage.delete_volume(repository, volume),
        )
    facts = storage.volume(repository, volume)
    device = disk_xml(
        DiskPlan(
            target=args["target"],
            path=facts.path,
            format="raw" if facts.format is VolumeFormat.ISO else facts.format.value,
            bus=disk.bus,
            device=disk.device,
        )
    )
    work.context.step(
        "attach",
        lambda: _attach_once(work, device, lambda d: args["target"] in {k.target for k in d.disks}),
        undo=lambda _: work.driver.detach_device(work.vm.uuid, device, live=work.live),
    )
    work.context.step(
        "reread storage", lambda: work.parts.links.refresh_storage(work.vm.host_id, repository)
    )
    return f"disk {args['target']} ({repository}/{volume}) was attached."


def _attach_once(work: _Work, device: str, present: Callable[[Domain], bool]) -> None:
    """A job that was killed here may have attached the device already."""
    if not present(Domain(work.driver.xml(work.vm.uuid))):
        work.driver.attach_device(work.vm.uuid, device, live=work.live)


def _grow_disk(work: _Work, operation: GrowDisk) -> str:
    path = work.context.args["path"]
    if work.live:
        work.context.step(
            "grow",
            lambda: work.driver.resize_block(work.vm.uuid, operation.target, operation.size_bytes),
        )
    else:
        repository, volume = _place(work, path)
        storage = work.parts.links.storage(work.vm.host_id)
        work.context.step(
            "grow",
            lambda: storage.resize_volume(repository, volume, operation.size_bytes).path,
        )
    work.context.step("reread storage", lambda: work.parts.links.refresh_storage(work.vm.host_id))
    return f"disk {operation.target} was grown."


def _place(work: _Work, path: str) -> tuple[str, str]:
    """Repository and name of the volume with that path on the VM's host."""
    with work.parts.database.read() as connection:
        found = storage_store.volume_at(connection, host_id=work.vm.host_id, path=path)
    if found is None:
        remedy = "Add the directory it lies in as a repository first."
        raise NotFound("The disk lies in no known repository.", remedy=remedy, detail=path)
    return found.repository_name, found.facts.name


def _detach_disk(work: _Work, operation: DetachDisk) -> str:
    target, path = operation.target, work.context.args["path"]
    device = work.context.step(
        "find device", lambda: Domain(work.driver.xml(work.vm.uuid)).disk(target).text()
    )
    work.context.step(
        "detach",
        lambda: _detach_once(work, device, lambda d: target in {k.target for k in d.disks}),
        undo=lambda _: _attach_once(work, device, lambda d: target in {k.target for k in d.disks}),
    )
    if operation.delete_volume and path:
        repository, volume = _place(work, path)
        storage = work.parts.links.storage(work.vm.host_id)
        work.context.step("delete volume", lambda: storage.delete_volume(repository, volume))
        work.context.step(
            "reread storage",
            lambda: work.parts.links.refresh_storage(work.vm.host_id, repository),
        )
    return f"disk {target} was detached."


def _detach_once(work: _Work, device: str, present: Callable[[Domain], bool]) -> None:
    if present(Domain(work.driver.xml(work.vm.uuid))):
        work.driver.detach_device(work.vm.uuid, device, live=work.live)


def _attach_nic(work: _Work, operation: AttachNic) -> str:
    args, nic = work.context.args, operation.nic
    device = nic_xml(
        NicPlan(mac=args["mac"], kind=args["nic_kind"], source=nic.network, model=nic.model)
    )
    work.context.step(
        "attach",
        lambda: _attach_once(work, device, lambda d: args["mac"] in {n.mac for n in d.nics}),
        undo=lambda _: work.driver.detach_device(work.vm.uuid, device, live=work.live),
    )
    return f"network card {args['mac']} on {nic.network} was attached."


def _detach_nic(work: _Work, operation: DetachNic) -> str:
    mac = operation.mac
    device = work.context.step(
        "find device", lambda: Domain(work.driver.xml(work.vm.uuid)).nic(mac).text()
    )
    work.context.step(
        "detach",
        lambda: _detach_once(work, device, lambda d: mac in {n.mac for n in d.nics}),
        undo=lambda _: _attach_once(work, device, lambda d: mac in {n.mac for n in d.nics}),
    )
    return f"network card {mac} was detached."


def _set_link(work: _Work, operation: SetLink) -> str:
    domain = Domain(work.driver.xml(work.vm.uuid))
    nic = domain.nic(operation.mac)
    before = nic.text()
    set_link(nic, up=operation.up)
    after = nic.text()
    work.context.step(
        "set link",
        lambda: work.driver.update_device(work.vm.uuid, after, live=work.live),
        undo=lambda _: work.driver.update_device(work.vm.uuid, before, live=work.live),
    )
    return f"the cable of {operation.mac} was {'plugged in' if operation.up else 'pulled'}."


def _change_medium(work: _Work, operation: ChangeMedium) -> str:
    path = ""
    if operation.volume:
        storage = work.parts.links.storage(work.vm.host_id)
        path = storage.volume(work.context.args["repository"], operation.volume).path
    domain = Domain(work.driver.xml(work.vm.uuid))
    drive = domain.disk(operation.target)
    before = drive.text()
    set_medium(drive, path=path)
    after = drive.text()
    work.context.step(
        "change medium",
        lambda: work.driver.update_device(work.vm.uuid, after, live=work.live),
        undo=lambda _: work.driver.update_device(work.vm.uuid, before, live=work.live),
    )
    name = operation.volume or "nothing"
    return f"drive {operation.target} now holds {name}."
