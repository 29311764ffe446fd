"""Makes VMs, from a template, blank with an ISO, or from existing disks."""

from dataclasses import dataclass

from castalia.db.database import Database
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.job import Job
from castalia.model.plan import Plan
from castalia.model.vm import VmCreation
from castalia.model.vm_plan import PlannedVm
from castalia.services.submission import Submission
from castalia.services.vm_planner import Planned, planned_creation
from castalia.workflows.arguments import to_json

_SHARED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class VmCreateService:
    """One job makes all VMs of a request, or none."""

    database: Database
    submission: Submission
    host_limit: int

    def create(self, request: VmCreation, *, principal: Principal) -> Job:
        """Enqueues the making of the VMs.

        Raises InvalidRequest for values that can never be right, NotFound for what the request
        names and does not exist, Conflict or InsufficientCapacity when the plan has an obstacle.
        """
        principal.require(Role.OPERATOR)
        planned = self._planned(request)
        return self.submission.submit(
            self._request(planned, principal), plan=planned.plan, principal=principal
        )

    def plan(self, request: VmCreation, *, principal: Principal) -> Plan:
        """What `create` would do."""
        principal.require(Role.OPERATOR)
        return self._planned(request).plan

    def _planned(self, request: VmCreation) -> Planned:
        with self.database.read() as connection:
            return planned_creation(connection, request)

    def _request(self, planned: Planned, principal: Principal) -> JobRequest:
        vms, host = planned.vms, planned.host
        resources = [Resource(name=f"vm:{vm.uuid}", label=f"VM {vm.name}") for vm in vms]
        if host is not None:
            resources.append(
                Resource(name=f"host:{host.id}", limit=self.host_limit, label=f"host {host.name}")
            )
        resources += _templates(vms)
        single = vms[0] if len(vms) == 1 else None
        return JobRequest(
            kind="vm_create",
            title=planned.plan.title,
            args={"vms": [to_json(vm) for vm in vms], "user": principal.user_name},
            resources=tuple(resources),
            target=f"vm:{single.uuid}" if single else "",
            target_name=single.name if single else f"{len(vms)} VMs",
            host_id=host.id if host else "",
            created_by=principal.user_name,
        )


def _templates(vms: tuple[PlannedVm, ...]) -> list[Resource]:
    """The templates, which any number of jobs may use; only a removal holds one alone."""
    used = {disk.template_id: vm.template for vm in vms for disk in vm.disks if disk.template_id}
    return [
        Resource(name=f"template:{id}", limit=_SHARED, label=f"template {name}")
        for id, name in used.items()
    ]
