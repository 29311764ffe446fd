"""Deletes VMs."""

from dataclasses import dataclass

from castalia.db import storage as storage_store
from castalia.db.database import Database
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.job import Job
from castalia.model.plan import Check, Plan, Verdict
from castalia.model.storage import Volume
from castalia.model.vm import DeviceKind, Disk, Origin
from castalia.services.checks import blocked, host_up, ok, warning
from castalia.services.submission import Submission
from castalia.services.vm_assembly import SEED_SUFFIX
from castalia.services.vm_jobs import VmOnHost, found, vm_request


@dataclass(frozen=True, kw_only=True)
class VmDeleteService:
    """Deletes a VM, and unless told to keep them, the disks that nobody else uses."""

    database: Database
    submission: Submission
    host_limit: int

    def delete(
        self, ref: str, *, keep_disks: bool = False, force: bool = False, principal: Principal
    ) -> Job:
        """Enqueues the deletion. A VM that is on is refused unless `force`, which cuts its
        power."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        volumes = [] if keep_disks else self._deletable(place)
        plan = self._plan(place, volumes, keep_disks=keep_disks, force=force)
        names = [[volume.repository_name, volume.facts.name] for volume in volumes]
        request = vm_request(
            "vm_delete",
            plan.title,
            place,
            principal=principal,
            host_limit=self.host_limit,
            args={"volumes": names},
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan(
        self, ref: str, *, keep_disks: bool = False, force: bool = False, principal: Principal
    ) -> Plan:
        """What `delete` would do."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        volumes = [] if keep_disks else self._deletable(place)
        return self._plan(place, volumes, keep_disks=keep_disks, force=force)

    def _deletable(self, place: VmOnHost) -> list[Volume]:
        """The VM's disks and its seed, but no media, no shared volume, and nothing that others are
        based on."""
        with self.database.read() as connection:
            volumes = [
                storage_store.volume_at(connection, host_id=place.host.id, path=disk.source)
                for disk in place.vm.definition.disks
                if disk.source and _own(place, disk)
            ]
        return [
            volume
            for volume in volumes
            if volume is not None and set(volume.used_by) <= {place.vm.name, f"vm:{place.vm.id}"}
        ]

    def _plan(
        self, place: VmOnHost, volumes: list[Volume], *, keep_disks: bool, force: bool
    ) -> Plan:
        vm = place.vm
        checks = [host_up(place.host), _state_check(place, force=force)]
        if vm.origin is Origin.FOUND:
            checks.append(
                warning(
                    "origin", f"{vm.name} was found on {place.host.name}, not made by Castalia."
                )
            )
        if not keep_disks:
            checks.append(_data_check(volumes))
            checks += _left_checks(place, volumes)
        steps = ["cut the power", "undefine it"] if vm.state.active else ["undefine it"]
        steps += [f"delete {v.repository_name}/{v.facts.name}" for v in volumes]
        freed = sum(volume.facts.allocation_bytes for volume in volumes)
        return Plan(
            title=f"Delete {vm.name}" + (", keeping its disks" if keep_disks else ""),
            checks=tuple(checks),
            steps=tuple(steps),
            after={"freed": format_bytes(freed)},
        )


def _own(place: VmOnHost, disk: Disk) -> bool:
    is_disk = disk.device is DeviceKind.DISK and not disk.read_only
    is_seed = disk.source.endswith(f"-{place.vm.uuid[:8]}{SEED_SUFFIX}")
    return is_disk or is_seed


def _state_check(place: VmOnHost, *, force: bool) -> Check:
    vm = place.vm
    if not vm.state.active:
        return ok("state", f"{vm.name} is {vm.state}.")
    if force:
        return warning("state", f"{vm.name} is {vm.state}; its power will be cut.")
    return blocked(
        "state",
        f"{vm.name} is {vm.state}.",
        remedy="Shut it down first, or delete it with --force, which cuts its power.",
        code="vm.running",
    )


def _left_checks(place: VmOnHost, volumes: list[Volume]) -> list[Check]:
    """What stays although disks are deleted, so that nobody takes it for gone."""
    deleted = {volume.facts.path for volume in volumes}
    left = [
        disk.source
        for disk in place.vm.definition.disks
        if disk.source and _own(place, disk) and disk.source not in deleted
    ]
    if not left:
        return []
    return [
        warning(
            "left",
            f"{', '.join(left)} stays: it is in no known repository, or others need it.",
            remedy="Add its directory as a repository first to have it deleted too.",
        )
    ]


def _data_check(volumes: list[Volume]) -> Check:
    if not volumes:
        return Check(name="data", verdict=Verdict.OK, reason="No disk of its own would be deleted.")
    size = format_bytes(sum(volume.facts.allocation_bytes for volume in volumes))
    names = ", ".join(volume.facts.name for volume in volumes)
    return warning("data", f"{size} on {names} are lost for good.")
