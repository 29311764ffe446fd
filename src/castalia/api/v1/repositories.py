"""Repositories: where volumes are kept."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned, versioned
from castalia.api.bodies import NewRepository, VolumeSource
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.http.security import Admin, Operator, Viewer
from castalia.model.image import ImageSource
from castalia.model.page import Page
from castalia.model.storage import Repository

router = APIRouter(prefix="/repositories", tags=["Storage"], route_class=RepeatableRoute)
_REPOSITORY, _REPOSITORIES = Shape(Repository), Shape(Page[Repository])


@router.get("", operation_id="list_repositories", response_model=Page[Repository])
def list_repositories(
    request: Request, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists the repositories of all hosts."""
    found = services.storage.repositories(page, principal=principal)
    return paged(found, _REPOSITORIES, request)


@router.post("", operation_id="add_repository", **CHANGES)
def add_repository(
    new: Annotated[NewRepository, Body(examples=[examples.NEW_REPOSITORY])],
    services: ServicesDep,
    principal: Admin,
    plan: PlanOnly,
) -> Response:
    """Makes a directory of a host a repository."""
    asked = (new.host, new.name, new.path)
    if plan:
        return planned(services.storage.plan_add_repository(*asked, principal=principal))
    return accepted(services.storage.add_repository(*asked, principal=principal))


@router.get("/{ref}", operation_id="get_repository", response_model=Repository)
def get_repository(
    request: Request, ref: Ref, services: ServicesDep, principal: Viewer
) -> Response:
    """Shows a repository."""
    return versioned(services.storage.repository(ref, principal=principal), _REPOSITORY, request)


@router.delete("/{ref}", operation_id="remove_repository", **CHANGES)
def remove_repository(
    ref: Ref, services: ServicesDep, principal: Admin, plan: PlanOnly
) -> Response:
    """Has the host forget a repository. No file is deleted."""
    if plan:
        return planned(services.storage.plan_remove_repository(ref, principal=principal))
    return accepted(services.storage.remove_repository(ref, principal=principal))


@router.post("/{ref}/refresh", operation_id="refresh_repository", response_model=Repository)
def refresh_repository(
    request: Request, ref: Ref, services: ServicesDep, principal: Operator
) -> Response:
    """Has the host look at the repository's directory again."""
    return versioned(services.storage.refresh(ref, principal=principal), _REPOSITORY, request)


@router.post("/{ref}/isos", operation_id="import_volume", **CHANGES)
def import_volume(
    ref: Ref,
    new: Annotated[VolumeSource, Body(examples=[examples.IMPORT_ISO])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Brings an ISO or a disk image from elsewhere into a repository."""
    source = ImageSource(url=new.url, path=new.path, upload_id=new.upload, checksum=new.checksum)
    if plan:
        return planned(services.volume_import.plan(ref, new.name, source, principal=principal))
    return accepted(services.volume_import.start(ref, new.name, source, principal=principal))
