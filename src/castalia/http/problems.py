"""Errors as HTTP answers: the one map from error to status, and RFC 9457 problem details.

Texts come from the error's message and remedy; its `detail` and unknown exceptions only reach the
log, under the request's id, which the user sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.websockets import WebSocket

from castalia import errors
from castalia.http.validation import FieldError, field_errors

PROBLEM_TYPE = "application/problem+json"
STATUS: Mapping[type[errors.CastaliaError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.EditConflict: HTTPStatus.PRECONDITION_FAILED,
    errors.InsufficientCapacity: HTTPStatus.CONFLICT,
    errors.CallerError: HTTPStatus.BAD_REQUEST,
    errors.HypervisorError: HTTPStatus.BAD_GATEWAY,
    errors.StorageError: HTTPStatus.BAD_GATEWAY,
    errors.ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.GuestError: HTTPStatus.BAD_GATEWAY,
    errors.Unsupported: HTTPStatus.CONFLICT,
    errors.PermanentError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CastaliaError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""An error's status is that of its nearest class here."""
_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="castalia"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "3"},
}
_MAX_REASON = 60
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a client is told about a failed request."""

    status: int
    title: str
    detail: str
    code: str
    remedy: str = ""
    field: str = ""
    errors: tuple[FieldError, ...] = ()
    instance: str = ""
    request_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """The RFC 9457 object; what is empty is left out."""
        body = {"type": f"urn:castalia:problem:{self.code}", **asdict(self)}
        return {name: value for name, value in body.items() if value not in ("", ())}


ErrorPage = Callable[[Request, Problem], Response]
"""Shows a problem to somebody at a browser."""


def status_of(error: errors.CastaliaError) -> HTTPStatus:
    """The HTTP status for an error."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def problem_of(error: Exception, request: Request) -> Problem:
    """What to tell the client about any exception; logs what it may not be told."""
    if isinstance(error, errors.CastaliaError):
        return _from_castalia(error, request)
    if isinstance(error, RequestValidationError):
        return _from_validation(error, request)
    if isinstance(error, HTTPException):
        return _from_http(error, request)
    return _from_unknown(error, request)


def problem_response(
    problem: Problem, *, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The problem as `application/problem+json`."""
    extra = {**_HEADERS.get(HTTPStatus(problem.status), {}), **headers}
    return JSONResponse(problem.as_json(), problem.status, headers=extra, media_type=PROBLEM_TYPE)


def install_problem_handlers(app: FastAPI, *, error_page: ErrorPage | None = None) -> None:
    """Has every error of the app answered as a problem, or by `error_page` for browsers that are
    outside `/api`."""
    app.state.error_page = error_page

    async def handle(connection: Any, error: Exception) -> Any:
        if isinstance(connection, WebSocket):
            await close_with(connection, error)
            return None
        return answer(connection, error)

    for cls in (errors.CastaliaError, RequestValidationError, HTTPException):
        app.add_exception_handler(cls, handle)


def answer(request: Request, error: Exception) -> Response:
    """The response to a request that failed with `error`."""
    problem = problem_of(error, request)
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    if page is not None and _wants_page(request):
        return page(request, problem)
    return problem_response(problem, headers=_headers_of(error))


def _headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(error.retry_after_s)}
    return getattr(error, "headers", None) or {}


async def close_with(websocket: WebSocket, error: Exception) -> None:
    """Closes a WebSocket saying why: 4000 plus the HTTP status is in the range that applications
    may use."""
    if isinstance(error, errors.CastaliaError):
        await websocket.close(4000 + status_of(error), error.message[:_MAX_REASON])
    else:
        await websocket.close(4400, "bad request")


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith("/api/"):
        return False
    return "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")


def _from_castalia(error: errors.CastaliaError, request: Request) -> Problem:
    status = status_of(error)
    if error.detail or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request failed", code=error.code, message=error.message, detail=error.detail)
    return Problem(
        status=status,
        title=error.title,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        field=error.field,
        instance=request.url.path,
        request_id=_request_id(request),
    )


def _from_validation(error: RequestValidationError, request: Request) -> Problem:
    found = field_errors(error.errors())
    broken_json = any(item.code == "json_invalid" for item in found)
    return Problem(
        status=HTTPStatus.BAD_REQUEST if broken_json else HTTPStatus.UNPROCESSABLE_ENTITY,
        title=errors.InvalidRequest.title,
        detail=found[0].message if len(found) == 1 else f"{len(found)} fields cannot be used.",
        code="body.not-json" if broken_json else errors.InvalidRequest.default_code,
        remedy=found[0].remedy,
        field=found[0].field,
        errors=found,
        instance=request.url.path,
        request_id=_request_id(request),
    )


def _from_http(error: HTTPException, request: Request) -> Problem:
    status = HTTPStatus(error.status_code)
    detail, remedy = _HTTP_TEXTS.get(status, (f"{status.phrase}.", ""))
    code = f"http.{status.phrase.lower().replace(' ', '-')}"
    return Problem(
        status=status,
        title=status.phrase,
        detail=detail,
        code=code,
        remedy=remedy,
        instance=request.url.path,
        request_id=_request_id(request),
    )


_HTTP_TEXTS = {
    HTTPStatus.NOT_FOUND: ("There is nothing at this address.", "Check the address."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This address does not know that method.",
        "The Allow header lists the methods that it knows.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The request is too large.",
        "Send files through /api/v1/uploads.",
    ),
    HTTPStatus.BAD_REQUEST: ("The request could not be understood.", "Check its syntax."),
}


def _from_unknown(error: Exception, request: Request) -> Problem:
    request_id = _request_id(request)
    _log.error("unexpected error", exc_info=error, path=request.url.path)
    return Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title=errors.CastaliaError.title,
        detail="Something went wrong inside the manager.",
        code=errors.CastaliaError.default_code,
        remedy=f"The server log has the cause under request {request_id}.",
        instance=request.url.path,
        request_id=request_id,
    )


def _request_id(request: Request) -> str:
    return str(request.scope.get("castalia.request_id", ""))
