"""POSTs that may be sent twice: with an `Idempotency-Key`, the second is answered like the first.

Only answers that something was done are kept. After a refusal or a fault nothing was changed, and
the same key may be used to try again.
"""

import hashlib
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from castalia.errors import Busy, Conflict, InvalidRequest
from castalia.http.security import authenticated
from castalia.model.access import Principal
from castalia.services.idempotency import IdempotencyService, StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("content-type", "location", "etag")
_MAX_KEY = 200

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RepeatableRoute(APIRoute):
    """A route whose POSTs honour `Idempotency-Key`."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler with the look-up before it."""
        handler = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await handler(request)
            return await _answer_once(request, _checked(key), handler)

        return once


async def _answer_once(request: Request, key: str, handler: Handler) -> Response:
    principal = await authenticated(request)
    store = request.app.state.services.idempotency
    known = await _begin(request, key, principal=principal)
    if known is not None:
        return _replay(known)
    kept = False
    try:
        response = await handler(request)
        if kept := response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            await _keep(request, key, response, principal=principal)
        return response
    finally:
        if not kept:
            await run_in_threadpool(store.abandon, key, principal=principal)


async def _begin(request: Request, key: str, *, principal: Principal) -> StoredAnswer | None:
    """Raises Conflict while the first request is being answered, and InvalidRequest when it was
    another one: the statuses (409, 422) that clients of this header expect."""
    store: IdempotencyService = request.app.state.services.idempotency
    fingerprint = await _fingerprint(request)
    begin = partial(store.begin, key, fingerprint=fingerprint, principal=principal)
    try:
        return await run_in_threadpool(begin)
    except Busy as error:
        if error.code != "idempotency.pending":
            raise
        raise Conflict(error.message, code=error.code, remedy=error.remedy) from error
    except Conflict as error:
        raise InvalidRequest(
            error.message, code=error.code, remedy=error.remedy, field=HEADER
        ) from error


async def _keep(request: Request, key: str, response: Response, *, principal: Principal) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = StoredAnswer(
        status=response.status_code, headers=headers, body=bytes(response.body).decode()
    )
    store = request.app.state.services.idempotency
    await run_in_threadpool(store.finish, key, answer, principal=principal)


async def _fingerprint(request: Request) -> str:
    """Of everything that decides what a request does."""
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode() + b"\0")
    digest.update(await request.body())
    return digest.hexdigest()


def _replay(answer: StoredAnswer) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, REPLAYED: "true"})


def _checked(key: str) -> str:
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= _MAX_KEY:
        remedy = f"Use 1 to {_MAX_KEY} printable ASCII characters, a UUID for example."
        raise InvalidRequest("The key cannot be used.", field=HEADER, remedy=remedy)
    return key
