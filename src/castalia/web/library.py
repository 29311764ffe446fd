"""Templates: the list and the page of one."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.page import PageRequest
from castalia.web import command
from castalia.web.changes_template import CHANGES
from castalia.web.visit import ViewerVisit

router = APIRouter(include_in_schema=False)


@router.get("/templates")
def templates_page(visit: ViewerVisit) -> Response:
    """All templates, and the builders for more."""
    asked = visit.wanted()
    builds = PageRequest(limit=10, sort="-created", filter="kind:template state:running")
    return visit.show(
        "library/list.html",
        page=visit.services.templates.list(asked, principal=visit.principal),
        sort=asked.sort,
        filter=asked.filter,
        builders=visit.services.templates.builders(principal=visit.principal),
        builds=visit.services.jobs.list(builds, principal=visit.principal).items,
        changes=CHANGES,
        command=command.listing("template", "/templates", filter=asked.filter, sort=asked.sort),
    )


@router.get("/templates/{ref}")
def template_page(visit: ViewerVisit, ref: str) -> Response:
    """What a template holds, where it is from, which VMs stand on it."""
    template = visit.services.templates.get(ref, principal=visit.principal)
    users = PageRequest(limit=50, filter=f"template:{template.name}")
    path = f"/templates/{template.id}"
    return visit.show(
        "library/template.html",
        template=template,
        vms=visit.services.vms.list(users, principal=visit.principal),
        changes=CHANGES,
        command=command.Command(words=["template", "show", template.name], path=path),
    )
