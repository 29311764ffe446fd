"""VMs: list, look at, create, edit, clone, delete."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned, versioned
from castalia.api.bodies import Clone, NewVm, VmChange
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.etag import ExpectedRevision
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.http.security import Operator, Viewer
from castalia.model.page import Page
from castalia.model.vm import Vm

router = APIRouter(prefix="/vms", tags=["VMs"], route_class=RepeatableRoute)
_VM, _VMS = Shape(Vm), Shape(Page[Vm])


@router.get("", operation_id="list_vms", response_model=Page[Vm])
def list_vms(request: Request, page: ByName, services: ServicesDep, principal: Viewer) -> Response:
    """Lists VMs.

    `filter` knows state, host, tag, template, name, cpu, memory and more (`state:running web`).
    """
    return paged(services.vms.list(page, principal=principal), _VMS, request)


@router.post("", operation_id="create_vm", **CHANGES)
def create_vm(
    creation: Annotated[NewVm, Body(examples=[examples.NEW_VM])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Creates one VM, or several with a name pattern."""
    if plan:
        return planned(services.vm_create.plan(creation, principal=principal))
    return accepted(services.vm_create.create(creation, principal=principal))


@router.get("/{ref}", operation_id="get_vm", response_model=Vm)
def get_vm(request: Request, ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a VM."""
    return versioned(services.vms.get(ref, principal=principal), _VM, request)


@router.patch("/{ref}", operation_id="edit_vm", **CHANGES)
def edit_vm(
    ref: Ref,
    edit: Annotated[VmChange, Body(examples=[examples.VM_EDIT])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Changes a VM, running or not."""
    if plan:
        return planned(services.vm_edit.plan(ref, edit, principal=principal))
    return accepted(
        services.vm_edit.edit(ref, edit, expected_revision=revision, principal=principal)
    )


@router.delete("/{ref}", operation_id="delete_vm", **CHANGES)
def delete_vm(
    ref: Ref,
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
    *,
    keep_disks: Annotated[bool, Query(description="Leave the volumes.")] = False,
    force: Annotated[bool, Query(description="Also if it runs.")] = False,
) -> Response:
    """Deletes a VM, and its disks unless they are kept."""
    if plan:
        return planned(
            services.vm_delete.plan(ref, keep_disks=keep_disks, force=force, principal=principal)
        )
    return accepted(
        services.vm_delete.delete(ref, keep_disks=keep_disks, force=force, principal=principal)
    )


@router.post("/{ref}/clone", operation_id="clone_vm", **CHANGES)
def clone_vm(
    ref: Ref,
    clone: Annotated[Clone, Body(examples=[examples.CLONE])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Makes an independent copy of a VM."""
    if plan:
        return planned(
            services.vm_clone.plan(ref, clone.name, start=clone.start, principal=principal)
        )
    return accepted(
        services.vm_clone.clone(ref, clone.name, start=clone.start, principal=principal)
    )
