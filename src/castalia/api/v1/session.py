"""Logging in and out, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import Shape, nothing
from castalia.api.bodies import Login, PasswordChange, SessionInfo
from castalia.api.deps import ServicesDep
from castalia.http.security import (
    SESSION_COOKIE,
    Viewer,
    check_origin,
    client_address,
    csrf_token,
    end_session_cookie,
    public,
    set_session_cookie,
)
from castalia.model.access import Principal

router = APIRouter(prefix="/session", tags=["Access"])
_INFO = Shape(SessionInfo)
_LOGIN = public("this is how strangers become known; attempts are throttled")


@router.post(
    "", operation_id="log_in", response_model=SessionInfo, dependencies=[_LOGIN], status_code=201
)
def log_in(
    request: Request,
    login: Annotated[Login, Body(examples=[examples.LOGIN])],
    services: ServicesDep,
) -> Response:
    """Begins a session and sets its cookie.

    After too many failures the answer is 429, whatever the password.
    """
    check_origin(request)
    opened = services.sessions.login(
        login.user,
        login.password,
        source=client_address(request),
        agent=request.headers.get("user-agent", ""),
    )
    response = _INFO(_info(opened.principal, csrf_token(opened.secret)), status=201)
    set_session_cookie(request, response, opened.secret)
    return response


@router.get("", operation_id="get_session", response_model=SessionInfo)
def get_session(request: Request, principal: Viewer) -> Response:
    """Shows who is logged in."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    return _INFO(_info(principal, csrf_token(cookie) if cookie else ""))


@router.delete("", operation_id="log_out", status_code=204)
def log_out(services: ServicesDep, principal: Viewer) -> Response:
    """Ends the session."""
    if principal.session_id:
        services.sessions.logout(principal=principal)
    response = nothing()
    end_session_cookie(response)
    return response


@router.put("/password", operation_id="change_own_password", status_code=204)
def change_own_password(
    change: Annotated[PasswordChange, Body(examples=[examples.PASSWORD_CHANGE])],
    services: ServicesDep,
    principal: Viewer,
) -> Response:
    """Changes one's own password; all other sessions of the user end."""
    services.users.change_own_password(current=change.current, new=change.new, principal=principal)
    return nothing()


def _info(principal: Principal, csrf: str) -> SessionInfo:
    return SessionInfo(
        user_id=principal.user_id,
        user=principal.user_name,
        role=principal.role,
        csrf_token=csrf,
    )
