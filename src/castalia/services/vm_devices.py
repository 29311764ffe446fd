"""Disks, network cards and drives of existing VMs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from castalia.db import networks as network_store
from castalia.db import storage as storage_store
from castalia.db.database import Database
from castalia.errors import Conflict, InvalidRequest, NotFound
from castalia.libvirtxml.targets import free_target
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.ids import new_id, new_mac
from castalia.model.job import Job
from castalia.model.plan import Check, Plan
from castalia.model.storage import Repository
from castalia.model.vm import DeviceKind, Disk, Nic
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
from castalia.services.checks import blocked, ok, warning
from castalia.services.device_limits import check_disk, check_nic
from castalia.services.submission import Submission
from castalia.services.vm_assembly import checked_bus, find_medium, nic_kind
from castalia.services.vm_jobs import (
    VmOnHost,
    check_revision,
    common_checks,
    found,
    vm_request,
)
from castalia.services.vm_limits import checked_volume_size
from castalia.services.vm_repository import chosen_repository
from castalia.workflows.arguments import to_json

_HOT_BUSES = ("virtio", "scsi", "usb")


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """The plan, and what the workflow has to know beyond the operation itself."""

    title: str
    checks: list[Check]
    steps: tuple[str, ...]
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VmDeviceService:
    """Each operation works on a stopped VM and, where the device allows it, on a running one."""

    database: Database
    submission: Submission
    host_limit: int

    def run(
        self,
        ref: str,
        operation: DeviceOperation,
        *,
        expected_revision: int | None = None,
        principal: Principal,
    ) -> Job:
        """Enqueues the operation."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        prepared = self._prepared(place, operation)
        request = vm_request(
            "vm_devices",
            prepared.title,
            place,
            principal=principal,
            host_limit=self.host_limit,
            args={
                "kind": type(operation).__name__,
                "operation": to_json(operation),
                **prepared.args,
            },
        )
        return self.submission.submit(
            request,
            plan=_plan(place, prepared),
            principal=principal,
            guard=lambda connection: check_revision(connection, place.vm, expected_revision),
        )

    def plan(self, ref: str, operation: DeviceOperation, *, principal: Principal) -> Plan:
        """What the operation would do."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        return _plan(place, self._prepared(place, operation))

    def _prepared(self, place: VmOnHost, operation: DeviceOperation) -> _Prepared:
        prepare: dict[type[Any], Callable[[Connection, VmOnHost, Any], _Prepared]] = {
            AttachDisk: _attach_disk,
            GrowDisk: _grow_disk,
            DetachDisk: _detach_disk,
            AttachNic: _attach_nic,
            DetachNic: _detach_nic,
            SetLink: _set_link,
            ChangeMedium: _change_medium,
        }
        with self.database.read() as connection:
            return prepare[type(operation)](connection, place, operation)


def _plan(place: VmOnHost, prepared: _Prepared) -> Plan:
    return Plan(
        title=prepared.title,
        checks=(*common_checks(place), *prepared.checks),
        steps=prepared.steps,
    )


def _disk_of(place: VmOnHost, target: str) -> Disk:
    for disk in place.vm.definition.disks:
        if disk.target == target:
            return disk
    names = ", ".join(disk.target for disk in place.vm.definition.disks) or "none"
    raise NotFound(
        f"{place.vm.name} has no disk {target}.", field="target", remedy=f"Its disks: {names}."
    )


def _nic_of(place: VmOnHost, mac: str) -> Nic:
    for nic in place.vm.definition.nics:
        if nic.mac.lower() == mac.lower():
            return nic
    names = ", ".join(nic.mac for nic in place.vm.definition.nics) or "none"
    remedy = f"Its network cards: {names}."
    raise NotFound(f"{place.vm.name} has no network card {mac}.", field="mac", remedy=remedy)


def _when(place: VmOnHost) -> str:
    return "at once, while it runs" if place.vm.state.active else "in its definition"


def _attach_disk(connection: Connection, place: VmOnHost, operation: AttachDisk) -> _Prepared:
    disk, vm = operation.disk, place.vm
    check_disk(disk)
    taken = {d.target for d in vm.definition.disks}
    # The likely one: the job chooses, as only it has the VM to itself.
    target = free_target(checked_bus(disk.bus), taken=taken)
    checks = []
    if vm.state.active and disk.bus not in _HOT_BUSES:
        checks.append(
            blocked(
                "bus",
                f"A {disk.bus} disk cannot be attached while {vm.name} is {vm.state}.",
                remedy="Use the bus virtio or scsi, or shut the VM down first.",
                code="vm.wrong-state",
                field="bus",
            )
        )
    if disk.volume:
        name = f"{disk.repository}/{disk.volume}" if disk.repository else disk.volume
        volume = find_medium(connection, place.host, name)
        if volume.used_by and disk.device is DeviceKind.DISK:
            _refuse_shared(volume.facts.name, volume.used_by)
        repository_name, volume_name = volume.repository_name, volume.facts.name
        step = f"attach {name} as {target} {_when(place)}"
    else:
        checked_volume_size(disk.size_bytes)
        repository = _repository(connection, place, disk.repository)
        checks.append(_space(repository, disk.size_bytes))
        repository_name = repository.name
        volume_name = f"{vm.name}-{vm.uuid[:8]}-disk-{new_id()[-8:]}.{disk.format}"
        step = f"make {format_bytes(disk.size_bytes)} and attach it as {target} {_when(place)}"
    return _Prepared(
        title=f"Attach a disk to {vm.name}",
        checks=checks,
        steps=(step,),
        args={"repository": repository_name, "volume": volume_name},
    )


def _refuse_shared(name: str, users: tuple[str, ...]) -> None:
    remedy = "Detach it there first, or attach a clone of it: two VMs on one disk destroy it."
    raise Conflict(
        f"Volume {name} is in use by {', '.join(users)}.",
        code="volume.in-use",
        field="volume",
        remedy=remedy,
    )


def _repository(connection: Connection, place: VmOnHost, name: str) -> Repository:
    disks = place.vm.definition.disks
    repository = chosen_repository(connection, place.host, name, beside=disks)
    if repository is not None:
        return repository
    remedy = "Add one: castalia repository add default --host HOST --path DIRECTORY"
    raise Conflict(f"{place.host.name} has no usable repository.", remedy=remedy)


def _space(repository: Repository, size_bytes: int) -> Check:
    free = format_bytes(repository.available_bytes)
    if size_bytes > repository.available_bytes:
        return warning(
            "storage",
            f"The disk may grow to {format_bytes(size_bytes)}; repository {repository.name} has "
            f"{free} free.",
            code="storage.overcommitted",
        )
    return ok("storage", f"Repository {repository.name} has {free} free.")


def _grow_disk(connection: Connection, place: VmOnHost, operation: GrowDisk) -> _Prepared:
    disk = _disk_of(place, operation.target)
    checked_volume_size(operation.size_bytes)
    volume = storage_store.volume_at(connection, host_id=place.host.id, path=disk.source)
    if volume is not None and operation.size_bytes <= volume.facts.capacity_bytes:
        now = format_bytes(volume.facts.capacity_bytes)
        raise InvalidRequest(
            f"{disk.target} has {now} already; disks can only grow.",
            field="size_bytes",
            remedy=f"Choose more than {now}.",
        )
    return _Prepared(
        title=f"Grow {disk.target} of {place.vm.name} to {format_bytes(operation.size_bytes)}",
        checks=[ok("guest", "The guest has to grow its partition and file system itself.")],
        steps=(f"grow {disk.target} {_when(place)}",),
        args={"path": disk.source},
    )


def _detach_disk(connection: Connection, place: VmOnHost, operation: DetachDisk) -> _Prepared:
    disk = _disk_of(place, operation.target)
    steps = [f"detach {disk.target} {_when(place)}"]
    checks = []
    if operation.delete_volume:
        steps.append("delete its volume")
        checks.append(warning("data", "What is on the volume is lost for good."))
        checks += _others(connection, place, disk)
    if place.vm.state.active and disk.bus not in _HOT_BUSES:
        checks.append(
            blocked(
                "bus",
                f"A {disk.bus} disk cannot be detached while {place.vm.name} is running.",
                remedy="Shut the VM down first.",
                code="vm.wrong-state",
                field="target",
            )
        )
    return _Prepared(
        title=f"Detach {disk.target} from {place.vm.name}",
        checks=checks,
        steps=tuple(steps),
        args={"path": disk.source},
    )


def _others(connection: Connection, place: VmOnHost, disk: Disk) -> list[Check]:
    """That nobody else needs the disk's volume, which shall be deleted."""
    volume = storage_store.volume_at(connection, host_id=place.host.id, path=disk.source)
    own = {place.vm.name, f"vm:{place.vm.id}"}
    users = [user for user in volume.used_by if user not in own] if volume else []
    if volume is None or not users:
        return []
    return [
        blocked(
            "use",
            f"{volume.facts.name} is in use by {', '.join(users[:5])}, too.",
            remedy="Detach it without deleting its volume.",
            code="volume.in-use",
            field="delete_volume",
        )
    ]


def _attach_nic(connection: Connection, place: VmOnHost, operation: AttachNic) -> _Prepared:
    nic = operation.nic
    check_nic(nic)
    networks = tuple(network_store.every(connection))
    names = {n.facts.name for n in networks if n.host_id == place.host.id}
    kind = nic_kind(place.host, networks, nic.network)
    if kind != "user" and nic.network not in names:
        known = ", ".join(sorted(names)) or "none"
        raise NotFound(
            f"{place.host.name} has no network {nic.network}.",
            field="network",
            remedy=f"Its networks: {known}.",
        )
    checks = []
    if any(nic.mac.lower() == one.mac.lower() for one in place.vm.definition.nics):
        checks.append(
            blocked(
                "mac",
                f"{place.vm.name} has a network card {nic.mac} already.",
                remedy="Choose another address, or leave it out to get one.",
                code="vm.mac-taken",
                field="mac",
            )
        )
    return _Prepared(
        title=f"Attach a network card to {place.vm.name}",
        checks=checks,
        steps=(f"plug a {nic.model} card into {nic.network} {_when(place)}",),
        args={"mac": nic.mac or new_mac(), "nic_kind": kind},
    )


def _detach_nic(
    connection: Connection,  # noqa: ARG001 -- one signature for all
    place: VmOnHost,
    operation: DetachNic,
) -> _Prepared:
    nic = _nic_of(place, operation.mac)
    return _Prepared(
        title=f"Detach a network card from {place.vm.name}",
        checks=[],
        steps=(f"take {nic.mac} on {nic.network} away {_when(place)}",),
    )


def _set_link(
    connection: Connection,  # noqa: ARG001 -- one signature for all
    place: VmOnHost,
    operation: SetLink,
) -> _Prepared:
    nic = _nic_of(place, operation.mac)
    verb = "Plug in" if operation.up else "Pull"
    return _Prepared(
        title=f"{verb} the cable of {nic.mac} at {place.vm.name}",
        checks=[],
        steps=(f"{verb.lower()} the cable {_when(place)}",),
    )


def _change_medium(connection: Connection, place: VmOnHost, operation: ChangeMedium) -> _Prepared:
    disk = _disk_of(place, operation.target)
    if disk.device not in (DeviceKind.CDROM, DeviceKind.FLOPPY):
        remedy = "Name a CD or floppy drive."
        raise InvalidRequest(
            f"{disk.target} is a disk, not a drive.", field="target", remedy=remedy
        )
    if not operation.volume:
        step, repository = f"eject what is in {disk.target}", ""
    else:
        name = f"{operation.repository}/{operation.volume}".lstrip("/")
        volume = find_medium(connection, place.host, name)
        step, repository = f"put {name} into {disk.target}", volume.repository_name
    return _Prepared(
        title=f"Change the medium in {disk.target} of {place.vm.name}",
        checks=[],
        steps=(step,),
        args={"repository": repository},
    )
