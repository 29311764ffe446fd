"""Templates: the list and the page of one."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.job import Job
from castalia.model.page import PageRequest
from castalia.web import command
from castalia.web.changes_template import CHANGES
from castalia.web.visit import ViewerVisit, Visit

router = APIRouter(include_in_schema=False)


@router.get("/templates")
def templates_page(visit: ViewerVisit) -> Response:
    """All templates, and the builders for more."""
    asked = visit.wanted()
    return visit.show(
        "library/list.html",
        page=visit.services.templates.list(asked, principal=visit.principal),
        sort=asked.sort,
        filter=asked.filter,
        builders=visit.services.templates.builders(principal=visit.principal),
        builds=_builds(visit),
        changes=CHANGES,
        command=command.listing("template", "/templates", filter=asked.filter, sort=asked.sort),
    )


@router.get("/templates/builds")
def template_builds(visit: ViewerVisit) -> Response:
    """The builds and imports that run now."""
    return visit.part("library/builds.html", builds=_builds(visit))


def _builds(visit: Visit) -> Sequence[Job]:
    wanted = PageRequest(limit=100, filter="state:running")
    running = visit.services.jobs.list(wanted, principal=visit.principal).items
    return [job for job in running if job.kind.startswith("template")]


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
