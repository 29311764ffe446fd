"""Copies of VMs."""

from dataclasses import dataclass

from sqlalchemy import Connection

from castalia.db import storage as storage_store
from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.ids import new_mac, new_uuid
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.plan import Check, Plan
from castalia.model.storage import Volume
from castalia.model.vm import DeviceKind
from castalia.services.checks import blocked, ok
from castalia.services.submission import Submission
from castalia.services.vm_assembly import SEED_SUFFIX
from castalia.services.vm_jobs import VmOnHost, common_checks, found, vm_request


@dataclass(frozen=True, kw_only=True)
class VmCloneService:
    """Makes a full, independent copy of a stopped VM, with its own identity."""

    database: Database
    submission: Submission
    host_limit: int

    def clone(self, ref: str, name: str, *, start: bool = False, principal: Principal) -> Job:
        """Enqueues the copying."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        volumes = self._volumes(place)
        plan = self._plan(place, name, volumes, start=start)
        uuid = new_uuid()
        request = vm_request(
            "vm_clone",
            plan.title,
            place,
            principal=principal,
            host_limit=self.host_limit,
            args={
                "name": name,
                "uuid": uuid,
                "macs": [new_mac() for _ in place.vm.definition.nics],
                "start": start,
                "disks": [_copy(volume, name, uuid, n) for n, volume in enumerate(volumes)],
            },
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan(self, ref: str, name: str, *, start: bool = False, principal: Principal) -> Plan:
        """What `clone` would do."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        return self._plan(place, name, self._volumes(place), start=start)

    def _volumes(self, place: VmOnHost) -> list[Volume]:
        with self.database.read() as connection:
            return own_volumes(connection, place)

    def _plan(self, place: VmOnHost, name: str, volumes: list[Volume], *, start: bool) -> Plan:
        vm = place.vm
        checked_name(name)
        checks = [*common_checks(place), self._name_check(place, name), _state_check(place)]
        known = {volume.facts.path for volume in volumes}
        checks += [
            blocked(
                "disks",
                f"Disk {disk.target} lies in no known repository, so it cannot be copied.",
                remedy="Add the directory it lies in as a repository first.",
                code="vm.unknown-disk",
            )
            for disk in vm.definition.disks
            if disk.device is DeviceKind.DISK and disk.source and disk.source not in known
            if not disk.read_only
        ]
        size = sum(volume.facts.allocation_bytes for volume in volumes)
        steps = [f"copy {len(volumes)} disks ({format_bytes(size)})", f"define {name}"]
        return Plan(
            title=f"Clone {vm.name} as {name}",
            checks=tuple(checks),
            steps=(*steps, "start it") if start else tuple(steps),
        )

    def _name_check(self, place: VmOnHost, name: str) -> Check:
        with self.database.read() as connection:
            taken = vm_store.taken_names(connection, place.host.id, [name])
        if taken:
            return blocked(
                "name",
                f"There is a VM {name} on {place.host.name} already.",
                remedy="Choose another name.",
                code="vm.name-taken",
                field="name",
            )
        return ok("name", "The name is free.")


def own_volumes(connection: Connection, place: VmOnHost) -> list[Volume]:
    """The known volumes behind a VM's writable disks, and its seed's."""
    found_volumes = [
        storage_store.volume_at(connection, host_id=place.host.id, path=disk.source)
        for disk in place.vm.definition.disks
        if disk.device is DeviceKind.DISK and disk.source
        if not disk.read_only or disk.source.endswith(SEED_SUFFIX)
    ]
    return [volume for volume in found_volumes if volume is not None]


def _copy(volume: Volume, name: str, uuid: str, number: int) -> list[str]:
    suffix = volume.facts.name.rpartition(".")[2] if "." in volume.facts.name else "img"
    target = f"{name}-{uuid[:8]}-disk{number}.{suffix}"
    if volume.facts.name.endswith(SEED_SUFFIX):
        target = f"{name}-{uuid[:8]}{SEED_SUFFIX}"
    return [volume.facts.path, volume.repository_name, volume.facts.name, target]


def _state_check(place: VmOnHost) -> Check:
    vm = place.vm
    if vm.state.active:
        return blocked(
            "state",
            f"{vm.name} is {vm.state}: its disks change while they would be copied.",
            remedy=f"Shut it down first: castalia vm shutdown {vm.name}",
            code="vm.wrong-state",
        )
    return ok("state", f"{vm.name} is {vm.state}.")
