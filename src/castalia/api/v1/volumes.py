"""Volumes: what is in repositories."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned
from castalia.api.bodies import NewVolume, VolumeChange
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.http.security import Operator, Viewer
from castalia.model.page import Page
from castalia.model.storage import Volume

router = APIRouter(tags=["Storage"], route_class=RepeatableRoute)
_VOLUME, _VOLUMES, _CHAIN = Shape(Volume), Shape(Page[Volume]), Shape(list[Volume])
_IN = "/repositories/{ref}/volumes"
Name = Annotated[
    str, Path(max_length=255, description="The volume's name.", examples=["data.qcow2"])
]


@router.get("/volumes", operation_id="list_volumes", response_model=Page[Volume])
def list_volumes(
    request: Request, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists the volumes of all repositories."""
    return paged(services.storage.volumes(page, principal=principal), _VOLUMES, request)


@router.get(_IN, operation_id="list_repository_volumes", response_model=Page[Volume])
def list_repository_volumes(
    request: Request, ref: Ref, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists a repository's volumes."""
    found = services.storage.volumes(page, repository=ref, principal=principal)
    return paged(found, _VOLUMES, request)


@router.post(_IN, operation_id="create_volume", **CHANGES)
def create_volume(
    ref: Ref,
    new: Annotated[NewVolume, Body(examples=[examples.NEW_VOLUME])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Makes a blank volume."""
    storage, size = services.storage, new.size_bytes
    if plan:
        return planned(
            storage.plan_create_volume(
                ref, new.name, size_bytes=size, format=new.format, principal=principal
            )
        )
    return accepted(
        storage.create_volume(
            ref, new.name, size_bytes=size, format=new.format, principal=principal
        )
    )


@router.get(f"{_IN}/{{name}}", operation_id="get_volume", response_model=Volume)
def get_volume(ref: Ref, name: Name, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a volume and who uses it."""
    return _VOLUME(services.storage.volume(ref, name, principal=principal))


@router.get(f"{_IN}/{{name}}/chain", operation_id="get_volume_chain", response_model=list[Volume])
def get_volume_chain(ref: Ref, name: Name, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a volume and what it is based on, down to the bottom."""
    return _CHAIN(services.storage.chain(ref, name, principal=principal))


@router.patch(f"{_IN}/{{name}}", operation_id="resize_volume", **CHANGES)
def resize_volume(
    ref: Ref,
    name: Name,
    change: Annotated[VolumeChange, Body(examples=[examples.GROW])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Grows a volume that no running VM has open."""
    asked = (ref, name, change.size_bytes)
    if plan:
        return planned(services.storage.plan_resize_volume(*asked, principal=principal))
    return accepted(services.storage.resize_volume(*asked, principal=principal))


@router.delete(f"{_IN}/{{name}}", operation_id="delete_volume", **CHANGES)
def delete_volume(
    ref: Ref, name: Name, services: ServicesDep, principal: Operator, plan: PlanOnly
) -> Response:
    """Deletes a volume that nobody uses."""
    if plan:
        return planned(services.storage.plan_delete_volume(ref, name, principal=principal))
    return accepted(services.storage.delete_volume(ref, name, principal=principal))
