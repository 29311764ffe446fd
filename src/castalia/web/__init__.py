"""HTML: pages and fragments per noun, over the same services as the API."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from castalia.http.problems import Problem
from castalia.web import (
    assets,
    bulk,
    charts,
    dialogs,
    hosts,
    jobs,
    library,
    networks,
    overview,
    palette,
    records,
    sessions,
    settings,
    storage,
    vm_pages,
    vms,
    wizard,
)
from castalia.web.render import html, wants_part

_MODULES = (
    assets,
    sessions,
    overview,
    wizard,
    vms,
    vm_pages,
    hosts,
    library,
    storage,
    networks,
    jobs,
    records,
    settings,
    charts,
    dialogs,
    bulk,
    palette,
)
_UNAUTHENTICATED = 401

router = APIRouter()
for _module in _MODULES:
    router.include_router(_module.router)


def error_page(request: Request, problem: Problem) -> Response:
    """A problem as a page, or as the part of one; whoever is not logged in is led to the login."""
    if problem.status == _UNAUTHENTICATED:
        target = f"/login?next={request.url.path}"
        if "HX-Request" in request.headers:
            return Response(status_code=_UNAUTHENTICATED, headers={"HX-Redirect": target})
        return RedirectResponse(target, status_code=303)
    base = "layout/part.html" if wants_part(request) else "layout/bare.html"
    return html(request, "session/problem.html", status=problem.status, base=base, problem=problem)
