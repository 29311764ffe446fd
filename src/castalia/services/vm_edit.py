"""Edits of a VM's own values: CPU, memory, name, description, tags, boot order, autostart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.model.access import Principal, Role
from castalia.model.amount import format_mib
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.plan import Check, Plan
from castalia.model.vm import Vm
from castalia.model.vm_edit import VmEdit
from castalia.services.checks import blocked, ok, overcommit_checks, warning
from castalia.services.submission import Submission
from castalia.services.vm_jobs import (
    VmOnHost,
    check_revision,
    common_checks,
    found,
    vm_request,
)
from castalia.services.vm_limits import (
    checked_description,
    checked_memory,
    checked_tags,
    checked_vcpus,
)
from castalia.workflows.arguments import to_json


@dataclass(frozen=True, kw_only=True)
class VmEditService:
    """Changes a VM now where it can, at its next start where it must."""

    database: Database
    submission: Submission
    host_limit: int

    def edit(
        self,
        ref: str,
        edit: VmEdit,
        *,
        expected_revision: int | None = None,
        principal: Principal,
    ) -> Job:
        """Enqueues the edit. Of two edits with the same `expected_revision`, the second raises
        EditConflict."""
        principal.require(Role.OPERATOR)
        place = found(self.database, ref)
        edit = _checked(edit)
        plan = self._plan(place, edit)
        request = vm_request(
            "vm_edit",
            plan.title,
            place,
            principal=principal,
            host_limit=self.host_limit,
            args={"edit": to_json(edit)},
        )
        return self.submission.submit(
            request,
            plan=plan,
            principal=principal,
            guard=lambda connection: check_revision(connection, place.vm, expected_revision),
        )

    def plan(self, ref: str, edit: VmEdit, *, principal: Principal) -> Plan:
        """What the edit would do, and when."""
        principal.require(Role.OPERATOR)
        return self._plan(found(self.database, ref), _checked(edit))

    def _plan(self, place: VmOnHost, edit: VmEdit) -> Plan:
        checks = [*common_checks(place), *self._name_checks(place, edit)]
        checks += _vcpu_checks(place.vm, edit)
        checks += overcommit_checks(place.host, edit.vcpus or 0)
        checks += _memory_checks(place.vm, edit)
        return Plan(
            title=f"Change {place.vm.name}", checks=tuple(checks), steps=tuple(_steps(edit))
        )

    def _name_checks(self, place: VmOnHost, edit: VmEdit) -> Iterator[Check]:
        vm = place.vm
        if edit.name is None or edit.name == vm.name:
            return
        if vm.state.active:
            yield blocked(
                "name",
                f"{vm.name} is {vm.state}; only a stopped VM can be renamed.",
                remedy=f"Shut it down first: castalia vm shutdown {vm.name}",
                code="vm.wrong-state",
                field="name",
            )
        with self.database.read() as connection:
            taken = vm_store.taken_names(connection, vm.host_id, [edit.name])
        if taken:
            yield blocked(
                "name",
                f"There is a VM {edit.name} on {place.host.name} already.",
                remedy="Choose another name.",
                code="vm.name-taken",
                field="name",
            )


def _checked(edit: VmEdit) -> VmEdit:
    if edit == VmEdit():
        remedy = "Name at least one value to change."
        raise InvalidRequest("The edit changes nothing.", remedy=remedy, field="edit")
    if edit.name is not None:
        checked_name(edit.name)
    if edit.vcpus is not None:
        checked_vcpus(edit.vcpus)
    if edit.memory_mib is not None:
        checked_memory(edit.memory_mib)
    if edit.description is not None:
        checked_description(edit.description)
    return replace(edit, tags=None if edit.tags is None else checked_tags(edit.tags))


def _vcpu_checks(vm: Vm, edit: VmEdit) -> Iterator[Check]:
    if edit.vcpus is None or edit.vcpus == vm.definition.vcpus:
        return
    if not vm.state.active:
        yield ok("vcpus", f"{edit.vcpus} vCPUs from the next start.")
    elif edit.vcpus > vm.definition.max_vcpus:
        yield warning(
            "vcpus",
            f"The running VM has room for {vm.definition.max_vcpus} vCPUs; "
            f"{edit.vcpus} come with its next start.",
            remedy="Shut it down and start it.",
            code="vm.needs-restart",
        )
    elif edit.vcpus < vm.definition.vcpus and not vm.agent_connected:
        yield blocked(
            "vcpus",
            "Taking vCPUs from a running guest needs its agent, which does not answer.",
            remedy="Install or start qemu-guest-agent in the guest, or shut the VM down first.",
            code="vm.no-agent",
            field="vcpus",
        )
    else:
        yield ok("vcpus", f"{edit.vcpus} vCPUs at once.")


def _memory_checks(vm: Vm, edit: VmEdit) -> Iterator[Check]:
    if edit.memory_mib is None or edit.memory_mib == vm.definition.memory_mib:
        return
    amount = format_mib(edit.memory_mib)
    if not vm.state.active:
        yield ok("memory", f"{amount} from the next start.")
    elif edit.memory_mib > vm.definition.max_memory_mib:
        yield warning(
            "memory",
            f"The running VM has room for {format_mib(vm.definition.max_memory_mib)}; "
            f"{amount} come with its next start.",
            remedy="Shut it down and start it.",
            code="vm.needs-restart",
        )
    else:
        yield ok("memory", f"{amount} at once, by the balloon.")


def _steps(edit: VmEdit) -> Iterator[str]:
    if edit.name is not None:
        yield f"rename it to {edit.name}"
    yield "change its definition"
    if edit.vcpus is not None or edit.memory_mib is not None:
        yield "change the running VM, where it has room"
    if edit.autostart is not None:
        yield f"{'start' if edit.autostart else 'do not start'} it with its host"
