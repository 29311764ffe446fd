"""Refuses request bodies that are too large to be meant, as a problem like any other.

The framework's own limit answers in plain text where the length is announced; hence this one.
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from castalia.http.problems import answer


class BodyLimit:
    """ASGI middleware: no body is longer than the limit, whether its length is announced or not."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int, streamed: Sequence[str] = ()) -> None:
        """Bodies below the paths in `streamed` are not limited: their routes never hold one in
        memory."""
        self._app = app
        self._limit_bytes = limit_bytes
        self._streamed = tuple(streamed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"].startswith(self._streamed or ("\0",)):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._limit_bytes:
            await answer(Request(scope, receive), _too_large())(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit_bytes:
                raise _too_large()
            return message

        return counted


def _too_large() -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
