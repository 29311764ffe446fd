"""Who is asking, and may they: every route declares its role, and one without is refused.

A request is authenticated by an API token (`Authorization: Bearer …`) or by the session cookie.
With the cookie, unsafe methods also need the CSRF token, in a header or a form field: other sites
can make a browser send the cookie, but cannot read it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Annotated, Any, Protocol, cast
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Mount

from castalia.errors import Forbidden, Unauthenticated
from castalia.http.static import PublicFiles
from castalia.model.access import Principal, Role

SESSION_COOKIE = "castalia_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"


class Authentication(Protocol):
    """Turns a secret into who it stands for."""

    def from_token(self, secret: str, *, source: str) -> Principal:
        """The owner of an API token; raises Unauthenticated."""

    def from_session(self, secret: str, *, source: str) -> Principal:
        """The user of a browser session; raises Unauthenticated."""


def csrf_token(session_secret: str) -> str:
    """The CSRF token that belongs to a session. Derived, so nothing more has to be stored."""
    return hmac.new(session_secret.encode(), b"castalia csrf", hashlib.sha256).hexdigest()


class Gate:
    """A route's declaration of who may use it; as a dependency it answers who is asking."""

    def __init__(self, role: Role | None, *, reason: str = "") -> None:
        """`role` None opens the route to everybody, which needs a `reason`."""
        if role is None and not reason:
            raise ValueError("a public route must say why it is public")
        self.role = role
        self.reason = reason

    async def __call__(self, connection: HTTPConnection) -> Principal | None:
        """Raises Unauthenticated or Forbidden."""
        if self.role is None:
            return None
        principal = await authenticated(connection)
        if not principal.role.allows(self.role):
            await _note_refusal(connection, principal)
        principal.require(self.role)
        return principal


async def _note_refusal(connection: HTTPConnection, principal: Principal) -> None:
    """Tells `app.state.refused` of a change that somebody may not make; reading is not noted."""
    refused = getattr(connection.app.state, "refused", None)
    if refused is not None and connection.scope.get("method") not in {"GET", "HEAD", None}:
        action = getattr(connection.scope.get("endpoint"), "__name__", "change")
        await run_in_threadpool(refused, principal, action, connection.url.path)


def requires(role: Role) -> Any:
    """Declares the role that a route needs, and gives the route its principal."""
    return Depends(_GATES[role])


def public(reason: str) -> Any:
    """Declares that a route is open to everybody, and why that is right."""
    return Depends(Gate(None, reason=reason))


_GATES = {role: Gate(role) for role in Role}
Viewer = Annotated[Principal, requires(Role.VIEWER)]
Operator = Annotated[Principal, requires(Role.OPERATOR)]
Admin = Annotated[Principal, requires(Role.ADMIN)]


async def authenticated(connection: HTTPConnection) -> Principal:
    """Who is asking, found out once per request. Raises Unauthenticated, or Forbidden if a cookie
    comes without its CSRF token."""
    if (principal := getattr(connection.state, "principal", None)) is None:
        principal = connection.state.principal = await _authenticate(connection)
    return cast(Principal, principal)


async def _authenticate(connection: HTTPConnection) -> Principal:
    known: Authentication = connection.app.state.authentication
    source = client_address(connection)
    if token := _bearer(connection):
        return await run_in_threadpool(known.from_token, token, source=source)
    if cookie := connection.cookies.get(SESSION_COOKIE):
        await _check_csrf(connection, cookie)
        return await run_in_threadpool(known.from_session, cookie, source=source)
    remedy = "Log in, or send an API token as Authorization: Bearer …"
    raise Unauthenticated("Nobody is logged in.", remedy=remedy)


async def principal_or_none(connection: HTTPConnection) -> Principal | None:
    """Who is asking, for pages that also show something to strangers."""
    try:
        return await authenticated(connection)
    except Unauthenticated:
        return None


def client_address(connection: HTTPConnection) -> str:
    """The address that the request comes from."""
    return connection.client.host if connection.client else ""


def _bearer(connection: HTTPConnection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _check_csrf(connection: HTTPConnection, cookie: str) -> None:
    check_origin(connection)
    if not isinstance(connection, Request) or connection.method in _SAFE:
        return
    sent = connection.headers.get(CSRF_HEADER) or await _form_token(connection)
    if not hmac.compare_digest(sent.encode(), csrf_token(cookie).encode()):
        remedy = f"Reload the page. Programs: use an API token, or send {CSRF_HEADER}."
        raise Forbidden("The request lacks its CSRF token.", code="csrf", remedy=remedy)


async def _form_token(request: Request) -> str:
    if not request.headers.get("content-type", "").startswith(_FORM):
        return ""
    value = (await request.form()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""


def check_origin(connection: HTTPConnection) -> None:
    """Raises Forbidden if a browser says that another site's page sent this."""
    origin = connection.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == connection.headers.get("host"):
        return
    if isinstance(connection, Request) and connection.method in _SAFE:
        return
    remedy = "Open Castalia at its own address."
    raise Forbidden("The request comes from another site.", code="origin", remedy=remedy)


def install_default_deny(app: FastAPI) -> None:
    """Call when all routes are there. Raises RuntimeError naming the routes without a declared
    role; any that is added later answers 403."""
    contexts = list(iter_route_contexts(app.routes))
    if bare := [str(context.path) for context in contexts if not _declared(context)]:
        raise RuntimeError(f"routes without a declared role: {', '.join(sorted(bare))}")
    app.state.declared = frozenset(context.endpoint for context in contexts)


def deny_undeclared(connection: HTTPConnection) -> None:
    """The app-wide dependency behind `install_default_deny`."""
    if connection.scope.get("endpoint") not in getattr(connection.app.state, "declared", ()):
        raise Forbidden("This address is closed.")


def gates_of(context: RouteContext) -> list[Gate]:
    """The gates in front of a route; tests walk them."""
    dependant = getattr(context, "dependant", None)
    return [] if dependant is None else list(_gates(dependant))


def _declared(context: RouteContext) -> bool:
    route = context.original_route
    if isinstance(route, Mount):
        return isinstance(route.app, PublicFiles)
    return bool(gates_of(context))


def _gates(dependant: Dependant) -> Iterator[Gate]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Gate):
            yield inner.call
        yield from _gates(inner)


def set_session_cookie(request: Request, response: Response, secret: str) -> None:
    """Has the browser keep the session's secret, out of reach of scripts and other sites."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def end_session_cookie(response: Response) -> None:
    """Has the browser forget the session."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
