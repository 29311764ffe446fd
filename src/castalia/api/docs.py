"""The API's description, as a document for programs."""

from typing import Any

from fastapi import APIRouter, Request

from castalia.http.security import public

router = APIRouter(include_in_schema=False)
_WHY = "it is the same for every installation, and tools read it before they log in"


@router.get("/api/v1/openapi.json", dependencies=[public(_WHY)])
def openapi(request: Request) -> dict[str, Any]:
    """The whole description."""
    document: dict[str, Any] = request.app.openapi()
    return document
