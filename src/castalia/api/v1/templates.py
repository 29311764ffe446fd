"""Templates: what VMs are made of."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned, versioned
from castalia.api.bodies import BuilderInfo, NewTemplate, TemplateValues
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.etag import ExpectedRevision
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.errors import InvalidRequest
from castalia.http.security import Operator, Viewer
from castalia.images.builder import TemplateBuilder
from castalia.model.image import ImageSource
from castalia.model.page import Page
from castalia.model.template import Template, TemplateEdit

router = APIRouter(tags=["Templates"], route_class=RepeatableRoute)
_TEMPLATE, _TEMPLATES = Shape(Template), Shape(Page[Template])
_BUILDERS = Shape(list[BuilderInfo])
_SAID = ("title", "os", "default_size", "default_user", "min_memory_mib")


@router.get("/templates", operation_id="list_templates", response_model=Page[Template])
def list_templates(
    request: Request, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists templates."""
    return paged(services.templates.list(page, principal=principal), _TEMPLATES, request)


@router.get(
    "/template-builders",
    operation_id="list_template_builders",
    response_model=list[BuilderInfo],
)
def list_template_builders(services: ServicesDep, principal: Viewer) -> Response:
    """Lists the templates that the manager can build by itself."""
    return _BUILDERS([_info(one) for one in services.templates.builders(principal=principal)])


@router.post("/templates", operation_id="create_template", **CHANGES)
def create_template(
    new: Annotated[NewTemplate, Body(examples=[examples.BUILD_TEMPLATE, examples.IMPORT_TEMPLATE])],
    services: ServicesDep,
    principal: Operator,
    plan: PlanOnly,
) -> Response:
    """Builds a template, or imports a disk image as one."""
    templates, maker = services.templates, new.source.builder
    if maker:
        _check_builder(new)
        if plan:
            return planned(templates.plan_build(maker, name=new.name, principal=principal))
        return accepted(templates.build(maker, name=new.name, principal=principal))
    source = _image_source(new)
    if plan:
        return planned(templates.plan_import(new.name, source, principal=principal))
    edit = TemplateEdit(**{name: getattr(new, name) for name in _SAID})
    return accepted(templates.import_image(new.name, source, edit=edit, principal=principal))


@router.get("/templates/{ref}", operation_id="get_template", response_model=Template)
def get_template(request: Request, ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a template."""
    return versioned(services.templates.get(ref, principal=principal), _TEMPLATE, request)


@router.patch("/templates/{ref}", operation_id="edit_template", response_model=Template)
def edit_template(
    request: Request,
    ref: Ref,
    values: Annotated[TemplateValues, Body(examples=[examples.TEMPLATE_EDIT])],
    services: ServicesDep,
    principal: Operator,
    revision: ExpectedRevision,
) -> Response:
    """Changes what the manager notes about a template; its disk never changes."""
    template = services.templates.edit(ref, values, expected_revision=revision, principal=principal)
    return versioned(template, _TEMPLATE, request)


@router.delete("/templates/{ref}", operation_id="remove_template", **CHANGES)
def remove_template(
    ref: Ref, services: ServicesDep, principal: Operator, plan: PlanOnly
) -> Response:
    """Deletes a template that no VM is based on."""
    if plan:
        return planned(services.templates.plan_remove(ref, principal=principal))
    return accepted(services.templates.remove(ref, principal=principal))


def _check_builder(new: NewTemplate) -> None:
    source = new.source
    said = [name for name in _SAID if getattr(new, name) is not None]
    if source.url or source.upload or source.path or source.checksum:
        remedy = "Give exactly one of: builder, url, upload, path."
        raise InvalidRequest("There is more than one source.", field="source", remedy=remedy)
    if said:
        remedy = "Leave it out; edit the template once it is built."
        raise InvalidRequest("The builder says this itself.", field=said[0], remedy=remedy)


def _image_source(new: NewTemplate) -> ImageSource:
    source = new.source
    return ImageSource(
        url=source.url, path=source.path, upload_id=source.upload, checksum=source.checksum
    )


def _info(maker: TemplateBuilder) -> BuilderInfo:
    return BuilderInfo(
        name=maker.name,
        title=maker.title,
        os=maker.os,
        default_user=maker.default_user,
        min_memory_mib=maker.min_memory_mib,
    )
