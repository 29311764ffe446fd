"""The first page: health, capacity, what needs attention, what is going on."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.page import PageRequest
from castalia.web.command import Command
from castalia.web.visit import ViewerVisit

router = APIRouter(include_in_schema=False)
_HEAT_MAP_HOSTS = 200


@router.get("/")
def overview_page(visit: ViewerVisit) -> Response:
    """The whole at a glance."""
    hosts = PageRequest(limit=_HEAT_MAP_HOSTS, sort="name")
    return visit.show(
        "overview/page.html",
        overview=visit.services.overview.get(principal=visit.principal),
        hosts=visit.services.hosts.list(hosts, principal=visit.principal).items,
        command=Command(words=["status"], path="/overview"),
    )


@router.get("/counts")
def counts_part(visit: ViewerVisit) -> dict[str, int]:
    """The numbers of the left bar."""
    return dict(visit.services.overview.counts(principal=visit.principal))
