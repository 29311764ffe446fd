"""What happened, and what happens now."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from castalia.api.answers import Shape
from castalia.api.deps import ServicesDep
from castalia.api.pagination import LatestFirst, paged
from castalia.api.sse import ChangeFeed
from castalia.http.security import Admin, Viewer
from castalia.model.access import AuditEntry
from castalia.model.event import Event
from castalia.model.page import Page

router = APIRouter(tags=["Events"])
_EVENTS, _AUDIT = Shape(Page[Event]), Shape(Page[AuditEntry])
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events without end. The event's name is the noun (`vm`, "
        "`host`, `job`, …), its data the change. `resync` says that changes were missed.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/events", operation_id="follow_changes", response_class=StreamingResponse, responses=_STREAM
)
async def follow_changes(
    request: Request,
    _principal: Viewer,
    last_event_id: Annotated[
        str, Header(max_length=100, description="The last event that was seen.")
    ] = "",
) -> Response:
    """Follows changes of all objects as they happen."""
    feed: ChangeFeed = request.app.state.changes
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        feed.stream(last_id=last_event_id), media_type="text/event-stream", headers=headers
    )


@router.get("/event-log", operation_id="list_events", response_model=Page[Event])
def list_events(
    request: Request, page: LatestFirst, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists what happened, the latest first."""
    return paged(services.events.list(page, principal=principal), _EVENTS, request)


@router.get("/audit", operation_id="list_audit", response_model=Page[AuditEntry])
def list_audit(
    request: Request, page: LatestFirst, services: ServicesDep, principal: Admin
) -> Response:
    """Lists who changed what, from where, and how it ended."""
    return paged(services.audit.list(page, principal=principal), _AUDIT, request)
