"""What happened, and who did what: events and audit."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.web import command
from castalia.web.visit import AdminVisit, ViewerVisit

router = APIRouter(include_in_schema=False)


@router.get("/events")
def events_page(visit: ViewerVisit) -> Response:
    """Events, the newest first."""
    asked = visit.wanted(sort="-at")
    return visit.show(
        "events/events.html",
        page=visit.services.events.list(asked, principal=visit.principal),
        filter=asked.filter,
        sort=asked.sort,
        command=command.listing("events", "/event-log", filter=asked.filter),
    )


@router.get("/audit")
def audit_page(visit: AdminVisit) -> Response:
    """Every change with who asked for it, from where, and how it ended."""
    asked = visit.wanted(sort="-at")
    return visit.show(
        "events/audit.html",
        page=visit.services.audit.list(asked, principal=visit.principal),
        filter=asked.filter,
        sort=asked.sort,
        command=command.listing("audit", "/audit", filter=asked.filter),
    )
