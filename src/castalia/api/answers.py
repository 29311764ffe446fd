"""Writes model objects as JSON answers: straight from the dataclasses, without checking again what
services already made right."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from pydantic import TypeAdapter
from starlette.responses import Response

from castalia.api.etag import tag_of, unchanged
from castalia.api.redaction import public_job
from castalia.model.job import Job
from castalia.model.plan import Plan

API: Final = "/api/v1"
CHANGES: Mapping[str, Any] = {
    "status_code": HTTPStatus.ACCEPTED,
    "response_model": Job,
    "responses": {
        200: {"model": Plan, "description": "With `plan=true`: what would happen."},
        202: {"description": "The job that makes the change; `Location` is its address."},
    },
}
"""How a route that makes a job is documented."""


class Shape:
    """How one type of object is written as JSON."""

    def __init__(self, shape: Any) -> None:
        """`shape` is any type that Pydantic knows, dataclasses and `Page[…]` among them."""
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def encode(self, value: Any) -> bytes:
        """The object as JSON text."""
        return self._adapter.dump_json(value)

    def __call__(
        self,
        value: Any,
        *,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The object as an answer."""
        return Response(self.encode(value), status, headers, media_type="application/json")


_JOB, _PLAN = Shape(Job), Shape(Plan)


def accepted(job: Job) -> Response:
    """202 with the job that makes the change, and where to follow it."""
    headers = {"Location": f"{API}/jobs/{job.id}"}
    return _JOB(public_job(job), status=HTTPStatus.ACCEPTED, headers=headers)


def planned(plan: Plan) -> Response:
    """200 with what a change would do."""
    return _PLAN(plan)


def versioned(value: Any, shape: Shape, request: Request) -> Response:
    """An object with a revision, with its ETag; or 304 when the client has exactly this already."""
    body = shape.encode(value)
    headers = {"ETag": tag_of(value.revision, body), "Cache-Control": "private, no-cache"}
    if unchanged(request, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def created(value: Any, shape: Shape, *, location: str) -> Response:
    """201 with the new object and its address."""
    return shape(value, status=HTTPStatus.CREATED, headers={"Location": location})


def nothing() -> Response:
    """204: done, and there is nothing to say."""
    return Response(status_code=HTTPStatus.NO_CONTENT)
