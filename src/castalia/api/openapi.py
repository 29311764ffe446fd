"""The API's description: OpenAPI 3.1, with the ways to log in, problems, and examples."""

from typing import Any, get_args, get_origin

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic_core import to_jsonable_python

from castalia.api import examples
from castalia.http.problems import PROBLEM_TYPE
from castalia.http.security import CSRF_HEADER, SESSION_COOKIE, gates_of
from castalia.model.page import Page

_INTRO = """\
Everything that the pages and the command line do, over JSON.

* **Changes are jobs.** They are answered with 202, the job, and its address in `Location`. With
  `?plan=true` the answer is what would happen, and nothing is changed.
* **Lists** come in pages: `limit`, `cursor` (the `next_cursor` of the page before), `sort` and
  `filter`.
* **Errors** are problem details (RFC 9457) with a stable `code` and a `remedy`.
* **Edits that meet:** send the `ETag` of what you have seen as `If-Match`; 412 says that somebody
  else was faster.
* **Requests that may be repeated:** send an `Idempotency-Key` with a POST; the same key and body
  are answered with what the first one brought.
"""
_TAGS = {
    "VMs": "Virtual machines and their power buttons.",
    "VM devices": "Disks, drives and network cards.",
    "VM guests and consoles": "What is inside a VM: commands, screen, measurements, consoles.",
    "Hosts": "Servers with a hypervisor.",
    "Templates": "What VMs are made of.",
    "Storage": "Repositories and the volumes in them.",
    "Networks": "What network cards plug into.",
    "Uploads": "Files sent in pieces.",
    "Jobs": "Durable runs of changes.",
    "Events": "What happened, and what happens now.",
    "Overview": "The whole at a glance.",
    "Access": "Sessions, users, tokens and keys.",
    "Health": "For supervisors and monitoring.",
}
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": f"A browser session. Changes also need the header `{CSRF_HEADER}`.",
    },
}
_PROBLEM = {
    "type": "object",
    "description": "Why a request failed (RFC 9457).",
    "required": ["type", "status", "title", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "What went wrong, for people."},
        "code": {"type": "string", "description": "The same for programs; never changes."},
        "remedy": {"type": "string", "description": "What to do about it."},
        "field": {"type": "string", "description": "The part of the request at fault."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "code"],
                "properties": {
                    name: {"type": "string"} for name in ("field", "message", "code", "remedy")
                },
            },
        },
        "instance": {"type": "string"},
        "request_id": {"type": "string", "description": "Finds the request in the server's log."},
    },
}
_PROBLEM_EXAMPLE = {
    "type": "urn:castalia:problem:not-found",
    "status": 404,
    "title": "Not found",
    "detail": "There is no VM web9.",
    "code": "not-found",
    "remedy": "castalia vm list shows which there are.",
    "instance": "/api/v1/vms/web9",
    "request_id": "01kav3c5x9m2q7t8e4nd",
}
_REF = {"$ref": "#/components/responses/Problem"}
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def install_openapi(app: FastAPI, *, version: str) -> None:
    """Has the app describe itself; the description is made once, when it is first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app, version=version)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # the documented way to replace it


def _description(app: FastAPI, *, version: str) -> dict[str, Any]:
    contexts = [one for one in iter_route_contexts(app.routes) if _described(one)]
    document = get_openapi(
        title="Castalia",
        version=version,
        description=_INTRO,
        routes=contexts,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    components = document.setdefault("components", {})
    for name in _NOT_OURS:
        components.get("schemas", {}).pop(name, None)
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = _SECURITY
    components["responses"] = {"Problem": _problem_response()}
    for context in contexts:
        _finish(document["paths"], context)
    return document


def _described(context: RouteContext) -> bool:
    return bool(getattr(context, "include_in_schema", False) and gates_of(context))


def _problem_response() -> dict[str, Any]:
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _PROBLEM_EXAMPLE}
    return {"description": "It failed; the body says why.", "content": {PROBLEM_TYPE: media}}


def _finish(paths: dict[str, Any], context: RouteContext) -> None:
    for method in context.methods or ():
        operation = paths[str(context.path_format)][method.lower()]
        responses = operation["responses"]
        responses.pop("422", None)
        responses["default"] = _REF
        _secure(operation, context)
        for answer in responses.values():
            _exemplify(answer, context)


def _secure(operation: dict[str, Any], context: RouteContext) -> None:
    gates = gates_of(context)
    roles = [gate.role for gate in gates if gate.role is not None]
    if not roles:
        operation["security"] = []
        return
    operation["security"] = [{"token": []}, {"session": []}]
    operation["x-required-role"] = str(roles[0])


def _exemplify(answer: dict[str, Any], context: RouteContext) -> None:
    media = answer.get("content", {}).get("application/json")
    if media is None:
        return
    name = media["schema"].get("$ref", "").rpartition("/")[2]
    value = examples.PLAN if name == "Plan" else _example(context.response_model)
    if value is not None:
        media["example"] = to_jsonable_python(value)


def _example(model: Any) -> Any:
    """An object of the type `model`, or None if there is no example of it."""
    origin, inner = get_origin(model), get_args(model)
    if origin is list:
        return [_example(inner[0])]
    if origin is Page:
        return examples.page_of(_example(inner[0]))
    return examples.OBJECTS.get(model)
