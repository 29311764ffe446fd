"""Refuses JSON whose strings hold what is no text: half characters and control characters.

JSON's escapes can spell what UTF-8, XML and a terminal cannot hold; one such word in a description
would stop every list that shows it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from castalia.errors import InvalidRequest
from castalia.http.problems import answer

# What XML 1.0 leaves out (https://www.w3.org/TR/xml/#charsets), and halves of surrogate pairs.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SUSPICIOUS = re.compile(rb"\\(?:[bf]|u(?:00[01]|[dD][89a-fA-F]|[fF]{3}[eEfF]))")


class JsonText:
    """ASGI middleware; what is sent to a guest's command goes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        """Stands inside the limit of bodies, since it reads them whole."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if not _concerns(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except HTTPException as too_large:
            await answer(Request(scope, receive), too_large)(scope, receive, send)
            return
        except ClientDisconnect:
            return  # nobody waits for the answer
        field = _field_without_text(body)
        if field is not None:
            await answer(Request(scope, receive), _refusal(field))(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)


def _concerns(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in {"POST", "PUT", "PATCH"}:
        return False
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0]
    return kind.strip().endswith("json") and not scope["path"].endswith("/exec")


def _field_without_text(body: bytes) -> str | None:
    if not _SUSPICIOUS.search(body):
        return None
    try:
        return next(_wrong(json.loads(body), ()), None)
    except (ValueError, RecursionError):
        return None  # no JSON at all: said by whoever reads it


def _wrong(value: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, str):
        if _NO_TEXT.search(value):
            yield ".".join(path) or "body"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _wrong(name, path)
            yield from _wrong(inner, (*path, str(name)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _wrong(inner, (*path, str(number)))


def _refusal(field: str) -> InvalidRequest:
    remedy = "Leave out control characters and half surrogate pairs."
    return InvalidRequest("This is no plain text.", field=field, remedy=remedy)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, and after it whatever else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return waiting.pop() if waiting else await receive()

    return read
