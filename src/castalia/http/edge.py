"""What surrounds every request: its id, the check of its Host header, security headers, and the
catch for errors that nothing else caught."""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from time import perf_counter
from urllib.parse import unquote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from castalia.errors import InvalidRequest
from castalia.http.problems import answer
from castalia.model.ids import new_id

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        # the terminal and chart widgets write style elements of their own
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ESCAPED_SLASH = re.compile(rb"%2f", re.IGNORECASE)
_YEAR_S = 31_536_000

Observer = Callable[[Scope, int, float], None]
"""Told each HTTP request's scope, status and seconds until its answer began."""


class Edge:
    """ASGI middleware around the whole app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host_names: Iterable[str] = (),
        observe: Observer | None = None,
    ) -> None:
        """`host_names` are names, beside this machine's own, under which browsers may ask."""
        self._app = app
        self._names = known_names() | {name.lower() for name in host_names}
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or WebSocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope["castalia.request_id"] = request_id = new_id()
        _keep_slashes(scope)
        with structlog.contextvars.bound_contextvars(request=request_id):
            if scope["type"] == "http":
                await self._http(scope, receive, send)
            else:
                await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        status = 0

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope)
                if self._observe is not None:
                    self._observe(scope, status, perf_counter() - started)
            await send(message)

        request = Request(scope, receive)
        try:
            self._check_host(scope)
            await self._app(scope, receive, finish)
        except Exception as error:
            response = answer(request, error)
            if not status:
                await response(scope, receive, finish)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_host(scope)
        except InvalidRequest:
            await _refuse(receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, scope: Scope) -> None:
        host = _host_of(Headers(scope=scope).get("host", ""))
        if host not in self._names and not _is_address(host):
            remedy = "Use this machine's name or address, or add the name to server.host_names."
            message = "The manager is not known under that host name."
            raise InvalidRequest(message, code="host-name", remedy=remedy)


def _keep_slashes(scope: Scope) -> None:
    """A slash that the client escaped belongs to one part of the path (`host%2Fname`); a colon
    stands for it from here on, as names hold none."""
    raw: bytes = scope.get("raw_path") or b""
    if _ESCAPED_SLASH.search(raw):
        scope["path"] = unquote(_ESCAPED_SLASH.sub(b":", raw).decode("ascii", "replace"))


def known_names() -> set[str]:
    """The names of this machine itself."""
    name = socket.gethostname().lower()
    return {"localhost", name, name.partition(".")[0]}


def _host_of(header: str) -> str:
    host = header.rsplit(":", 1)[0] if not header.endswith("]") else header
    return host.strip("[]").rstrip(".").lower()


def _is_address(host: str) -> bool:
    """Bare addresses pass: an attack by DNS rebinding needs a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _refuse(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4400, "reason": "unknown host name"})


def _add_headers(message: Message, scope: Scope) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = scope["castalia.request_id"]
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    if scope.get("scheme") == "https":
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
