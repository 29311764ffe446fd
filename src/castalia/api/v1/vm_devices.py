"""Disks, drives and network cards of VMs."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, accepted, planned
from castalia.api.bodies import DiskChange, NewDisk, NewNic, NicChange
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.etag import ExpectedRevision
from castalia.api.idempotency import RepeatableRoute
from castalia.errors import InvalidRequest
from castalia.http.security import Operator
from castalia.model.access import Principal
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

router = APIRouter(prefix="/vms/{ref}", tags=["VM devices"], route_class=RepeatableRoute)
Target = Annotated[
    str, Path(max_length=32, description="The disk's name in the VM.", examples=["vda"])
]
Mac = Annotated[
    str,
    Path(
        max_length=32,
        description="The network card's MAC address.",
        examples=["52:54:00:12:34:56"],
    ),
]


@router.post("/disks", operation_id="attach_disk", **CHANGES)
def attach_disk(
    ref: Ref,
    disk: Annotated[NewDisk, Body(examples=[examples.NEW_DISK])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Gives a VM another disk or drive, new or existing."""
    return _run(ref, AttachDisk(disk=disk), services, principal, revision, plan=plan)


@router.patch("/disks/{target}", operation_id="change_disk", **CHANGES)
def change_disk(
    ref: Ref,
    target: Target,
    change: Annotated[DiskChange, Body(examples=[examples.GROW, examples.MEDIUM])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Grows a disk, or changes the medium in a drive."""
    return _run(ref, _disk_operation(target, change), services, principal, revision, plan=plan)


@router.delete("/disks/{target}", operation_id="detach_disk", **CHANGES)
def detach_disk(
    ref: Ref,
    target: Target,
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
    *,
    delete_volume: Annotated[bool, Query(description="Destroy what is on it.")] = False,
) -> Response:
    """Takes a disk or drive away from a VM."""
    operation = DetachDisk(target=target, delete_volume=delete_volume)
    return _run(ref, operation, services, principal, revision, plan=plan)


@router.post("/nics", operation_id="attach_nic", **CHANGES)
def attach_nic(
    ref: Ref,
    nic: Annotated[NewNic, Body(examples=[examples.NEW_NIC])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Gives a VM another network card."""
    return _run(ref, AttachNic(nic=nic), services, principal, revision, plan=plan)


@router.patch("/nics/{mac}", operation_id="change_nic", **CHANGES)
def change_nic(
    ref: Ref,
    mac: Mac,
    change: Annotated[NicChange, Body(examples=[{"link_up": False}])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Plugs or unplugs a network card's cable."""
    operation = SetLink(mac=mac, up=change.link_up)
    return _run(ref, operation, services, principal, revision, plan=plan)


@router.delete("/nics/{mac}", operation_id="detach_nic", **CHANGES)
def detach_nic(
    ref: Ref,
    mac: Mac,
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
    plan: PlanOnly,
) -> Response:
    """Takes a network card away from a VM."""
    return _run(ref, DetachNic(mac=mac), services, principal, revision, plan=plan)


def _disk_operation(target: str, change: DiskChange) -> DeviceOperation:
    if (change.size_bytes is None) == (change.volume is None):
        remedy = "Send size_bytes to grow a disk, or volume to change a drive's medium."
        message = "Exactly one of size_bytes and volume is needed."
        raise InvalidRequest(message, field="size_bytes", remedy=remedy)
    if change.size_bytes is not None:
        return GrowDisk(target=target, size_bytes=change.size_bytes)
    return ChangeMedium(target=target, volume=change.volume or "", repository=change.repository)


def _run(
    ref: str,
    operation: DeviceOperation,
    services: ServicesDep,
    principal: Principal,
    revision: int | None,
    *,
    plan: bool,
) -> Response:
    if plan:
        return planned(services.vm_devices.plan(ref, operation, principal=principal))
    return accepted(
        services.vm_devices.run(ref, operation, expected_revision=revision, principal=principal)
    )
