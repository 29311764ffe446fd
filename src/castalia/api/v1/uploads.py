"""Uploads: files sent in pieces, resumed after an interruption, never held in memory.

`POST` announces a file, each `PATCH` appends at `Upload-Offset`, `HEAD` tells how far it is.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import API, Shape, created, nothing
from castalia.api.bodies import NewUpload
from castalia.api.deps import ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.http.security import Operator
from castalia.model.upload import Upload

router = APIRouter(prefix="/uploads", tags=["Uploads"], route_class=RepeatableRoute)
_UPLOAD = Shape(Upload)
_PIECE_BYTES = 4 * 1024**2
_LARGEST_BYTES = 1024**5
_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}
Id = Annotated[
    str, Path(max_length=64, description="The upload's id.", examples=["01kav3c5x9m2q7t8e4nd"])
]
Offset = Annotated[
    int, Header(alias="Upload-Offset", ge=0, le=_LARGEST_BYTES, description="Where it goes on.")
]


@router.post("", operation_id="begin_upload", response_model=Upload, status_code=201)
def begin_upload(
    new: Annotated[NewUpload, Body(examples=[examples.NEW_UPLOAD])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Announces a file."""
    upload = services.uploads.begin(
        new.filename, size_bytes=new.size_bytes, sha256=new.sha256, principal=principal
    )
    return created(upload, _UPLOAD, location=f"{API}/uploads/{upload.id}")


@router.get("/{id}", operation_id="get_upload", response_model=Upload)
def get_upload(id: Id, services: ServicesDep, principal: Operator) -> Response:
    """Shows how far an upload is."""
    upload = services.uploads.get(id, principal=principal)
    return _UPLOAD(upload, headers=_progress(upload))


@router.head("/{id}", operation_id="get_upload_offset", response_class=Response)
def get_upload_offset(id: Id, services: ServicesDep, principal: Operator) -> Response:
    """Tells in `Upload-Offset` where to go on."""
    return Response(headers=_progress(services.uploads.get(id, principal=principal)))


@router.patch(
    "/{id}",
    operation_id="append_to_upload",
    response_model=Upload,
    openapi_extra=_BYTES,
)
async def append_to_upload(
    request: Request, id: Id, services: ServicesDep, principal: Operator, offset: Offset
) -> Response:
    """Appends the body to the file. What has arrived is kept when the connection breaks."""
    append = partial(services.uploads.append, id, principal=principal)
    upload = await run_in_threadpool(append, offset=offset, chunks=())
    async for piece in _pieces(request):
        upload = await run_in_threadpool(append, offset=upload.offset, chunks=(piece,))
    return _UPLOAD(upload, headers=_progress(upload))


@router.delete("/{id}", operation_id="abort_upload", status_code=204)
def abort_upload(id: Id, services: ServicesDep, principal: Operator) -> Response:
    """Forgets an upload and what has arrived of it."""
    services.uploads.abort(id, principal=principal)
    return nothing()


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces worth a write each."""
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _progress(upload: Upload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.size_bytes),
        "Cache-Control": "no-store",
    }
