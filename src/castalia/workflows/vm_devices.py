"""Adds, changes and removes devices of a VM, whether it runs or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from castalia.db import storage as storage_store
from castalia.errors import NotFound
from castalia.hypervisor.driver import HypervisorDriver
from castalia.jobs.context import JobContext
from castalia.libvirtxml.device_build import disk_xml, nic_xml
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_disks import set_medium
from castalia.libvirtxml.domain_nics import set_link
from castalia.libvirtxml.domain_plan import DiskPlan
from castalia.libvirtxml.targets import free_target
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
from castalia.storage.driver import StorageDriver
from castalia.workflows import volumes
from castalia.workflows.arguments import from_json
from castalia.workflows.parts import Parts
from castalia.workflows.vm_before import VmBefore, driver_of, look
from castalia.workflows.vm_definition import nic_plan

OPERATIONS: dict[str, type[DeviceOperation]] = {
    kind.__name__: kind
    for kind in (AttachDisk, GrowDisk, DetachDisk, AttachNic, DetachNic, SetLink, ChangeMedium)
}
"""The operations by the name that stands in a job's arguments."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One run: the job, what it works with, and the VM as it was when the job began."""

    context: JobContext
    parts: Parts
    before: VmBefore

    @property
    def vm(self) -> Vm:
        return self.before.vm

    @property
    def live(self) -> bool:
        return self.before.active

    @property
    def driver(self) -> HypervisorDriver:
        return driver_of(self.parts, self.vm)

    @property
    def storage(self) -> StorageDriver:
        return self.parts.links.storage(self.vm.host_id)


def vm_devices(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Does `args["operation"]` to the VM `args["vm"]`; `args["kind"]` names the operation's type.

    A volume is deleted in the very last step; until then everything is undone on failure.
    """
    operation = from_json(OPERATIONS[context.args["kind"]], context.args["operation"])
    work = _Work(context=context, parts=parts, before=look(context, parts))
    vm = work.vm
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


def _refresh(work: _Work) -> None:
    work.context.step("refresh", lambda: work.parts.links.refresh_vm(work.vm.host_id, work.vm.uuid))


# --- disks ---
def _attach_disk(work: _Work, operation: AttachDisk) -> str:
    args, disk = work.context.args, operation.disk
    repository, volume = args["repository"], args["volume"]
    # Jobs of earlier versions have it in their arguments.
    target = args.get("target") or work.context.step(
        "choose target", lambda: _free_target(work, disk.bus)
    )
    found = _made(work, operation) if disk.size_bytes else _found(work)
    device = disk_xml(
        DiskPlan(
            target=target,
            path=found["path"],
            format="raw" if found["format"] == VolumeFormat.ISO else found["format"],
            bus=disk.bus,
            device=disk.device,
        )
    )
    _attach(work, device, _has_disk(target, found["path"]))
    _refresh(work)
    return f"disk {target} ({repository}/{volume}) was attached."


def _free_target(work: _Work, bus: str) -> str:
    """Free in the running VM and in the one that boots next."""
    facts = work.driver.vm(work.vm.uuid)
    definitions = [facts.definition, *filter(None, [facts.next_definition])]
    taken = {disk.target for definition in definitions for disk in definition.disks}
    return free_target(bus, taken=taken)


def _made(work: _Work, operation: AttachDisk) -> dict[str, str]:
    repository, volume = work.context.args["repository"], work.context.args["volume"]
    host_id, disk = work.vm.host_id, operation.disk

    def make() -> dict[str, str]:
        facts = work.storage.create_volume(
            repository, volume, size_bytes=disk.size_bytes, format=VolumeFormat(disk.format)
        )
        volumes.noted(work.parts, facts, host_id=host_id, repository=repository)
        return {"path": facts.path, "format": facts.format.value}

    return work.context.step(
        "make volume",
        make,
        undo=lambda _: volumes.delete(
            work.parts, host_id=host_id, repository=repository, name=volume
        ),
    )


def _found(work: _Work) -> dict[str, str]:
    def find() -> dict[str, str]:
        facts = work.storage.volume(work.context.args["repository"], work.context.args["volume"])
        return {"path": facts.path, "format": facts.format.value}

    return work.context.step("find volume", find)


def _grow_disk(work: _Work, operation: GrowDisk) -> str:
    target, size_bytes, path = operation.target, operation.size_bytes, work.context.args["path"]
    if work.live:
        work.context.step(
            "grow", lambda: work.driver.resize_block(work.vm.uuid, target, size_bytes)
        )
    else:
        work.context.step("grow", lambda: _grow_volume(work, path, size_bytes))
    work.context.step("reread storage", lambda: work.parts.links.refresh_storage(work.vm.host_id))
    _refresh(work)
    return f"disk {target} was grown."


def _grow_volume(work: _Work, path: str, size_bytes: int) -> None:
    repository, volume = _place(work, path)
    facts = work.storage.resize_volume(repository, volume, size_bytes)
    volumes.noted(work.parts, facts, host_id=work.vm.host_id, repository=repository)


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
    device = Domain(work.before.xml).disk(target).text()
    place: list[str] = []
    if operation.delete_volume and path:
        place = work.context.step("find volume", lambda: list(_place(work, path)))
    _detach(work, device, _has_disk(target, path), wanted_back=lambda: _is_there(work, place))
    _refresh(work)
    if place:
        repository, volume = place
        work.context.step(
            "delete volume",
            lambda: volumes.delete(
                work.parts, host_id=work.vm.host_id, repository=repository, name=volume
            ),
            final=True,
        )
    return f"disk {target} was detached."


def _is_there(work: _Work, place: list[str]) -> bool:
    """Whether the volume was not deleted: without it, the VM is better off without the disk."""
    if not place:
        return True
    repository, volume = place
    return any(one.name == volume for one in work.storage.repository(repository).volumes)


def _change_medium(work: _Work, operation: ChangeMedium) -> str:
    path = ""
    if operation.volume:
        path = work.context.step(
            "find medium",
            lambda: work.storage.volume(work.context.args["repository"], operation.volume).path,
        )
    drive = Domain(work.before.xml).disk(operation.target)
    before = drive.text()
    set_medium(drive, path=path)
    _update(work, "change medium", before, drive.text())
    name = operation.volume or "nothing"
    return f"drive {operation.target} now holds {name}."


# --- network cards ---
def _attach_nic(work: _Work, operation: AttachNic) -> str:
    args, nic = work.context.args, operation.nic
    device = nic_xml(
        nic_plan(mac=args["mac"], kind=args["nic_kind"], network=nic.network, model=nic.model)
    )
    _attach(work, device, _has_nic(args["mac"]))
    _refresh(work)
    return f"network card {args['mac']} on {nic.network} was attached."


def _detach_nic(work: _Work, operation: DetachNic) -> str:
    device = Domain(work.before.xml).nic(operation.mac).text()
    _detach(work, device, _has_nic(operation.mac), wanted_back=lambda: True)
    _refresh(work)
    return f"network card {operation.mac} was detached."


def _set_link(work: _Work, operation: SetLink) -> str:
    nic = Domain(work.before.xml).nic(operation.mac)
    before = nic.text()
    set_link(nic, up=operation.up)
    _update(work, "set link", before, nic.text())
    return f"the cable of {operation.mac} was {'plugged in' if operation.up else 'pulled'}."


# --- any device: a job that was killed may have done it already ---
_Present = Callable[[Domain], bool]


def _has_disk(target: str, path: str) -> _Present:
    return lambda domain: any((d.target, d.source) == (target, path) for d in domain.disks)


def _has_nic(mac: str) -> _Present:
    return lambda domain: any(nic.mac.lower() == mac.lower() for nic in domain.nics)


def _attach(work: _Work, device: str, present: _Present) -> None:
    work.context.step(
        "attach",
        lambda: _attach_once(work, device, present),
        undo=lambda _: _detach_once(work, device, present),
    )


def _detach(
    work: _Work, device: str, present: _Present, *, wanted_back: Callable[[], bool]
) -> None:
    work.context.step(
        "detach",
        lambda: _detach_once(work, device, present),
        undo=lambda _: _attach_once(work, device, present) if wanted_back() else None,
    )


def _attach_once(work: _Work, device: str, present: _Present) -> None:
    if not present(Domain(work.driver.xml(work.vm.uuid))):
        work.driver.attach_device(work.vm.uuid, device, live=work.live)


def _detach_once(work: _Work, device: str, present: _Present) -> None:
    if present(Domain(work.driver.xml(work.vm.uuid))):
        work.driver.detach_device(work.vm.uuid, device, live=work.live)


def _update(work: _Work, step: str, before: str, after: str) -> None:
    uuid, live = work.vm.uuid, work.live
    work.context.step(
        step,
        lambda: work.driver.update_device(uuid, after, live=live),
        undo=lambda _: work.driver.update_device(uuid, before, live=live),
    )
    _refresh(work)
