"""Logging in and out."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from castalia.errors import CastaliaError
from castalia.http.problems import status_of
from castalia.http.security import (
    client_address,
    end_session_cookie,
    principal_or_none,
    public,
    set_session_cookie,
)
from castalia.web.render import html
from castalia.web.visit import Form, ViewerVisit, services_of

router = APIRouter(include_in_schema=False)
_SEE_OTHER = 303


@router.get("/login", dependencies=[public("nobody is logged in yet")])
async def login_page(request: Request, next: str = "/") -> Response:
    """The form; whoever is logged in goes on."""
    if await principal_or_none(request):
        return RedirectResponse(_inside(next), status_code=_SEE_OTHER)
    return _form(request, next=_inside(next))


@router.post("/login", dependencies=[public("nobody is logged in yet")])
def log_in(request: Request, form: Form) -> Response:
    """Opens a session, or says why not."""
    target = _inside(form.get("next", "/"))
    try:
        opened = services_of(request).sessions.login(
            form.get("user", ""),
            form.get("password", ""),
            source=client_address(request),
            agent=request.headers.get("user-agent", ""),
        )
    except CastaliaError as error:
        user = form.get("user", "")
        return _form(request, next=target, user=user, error=error, status=status_of(error))
    answer = RedirectResponse(target, status_code=_SEE_OTHER)
    set_session_cookie(request, answer, opened.secret)
    return answer


@router.post("/logout")
def log_out(visit: ViewerVisit) -> Response:
    """Ends the session."""
    visit.services.sessions.logout(principal=visit.principal)
    answer = RedirectResponse("/login", status_code=_SEE_OTHER)
    end_session_cookie(answer)
    return answer


def _form(request: Request, *, status: int = 200, **context: Any) -> Response:
    defaults: dict[str, Any] = {"user": "", "error": None}
    return html(request, "session/login.html", status=status, **(defaults | context))


def _inside(target: str) -> str:
    """Only addresses of this server: a login must not lead somewhere else."""
    parts = urlsplit(target)
    own = not parts.scheme and not parts.netloc and target.startswith("/")
    return target if own and not target.startswith(("//", "/\\")) else "/"
