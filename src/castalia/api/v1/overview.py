"""The whole at a glance: overview, search, sizes."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from castalia.api.answers import Shape
from castalia.api.deps import ServicesDep
from castalia.api.redaction import public_job
from castalia.http.security import Viewer
from castalia.model.overview import Hit, Overview
from castalia.model.vm import SIZES, Size

router = APIRouter(tags=["Overview"])
_OVERVIEW, _HITS, _SIZES = Shape(Overview), Shape(list[Hit]), Shape(list[Size])


@router.get("/overview", operation_id="get_overview", response_model=Overview)
def get_overview(services: ServicesDep, principal: Viewer) -> Response:
    """Shows health, capacity, what needs attention, and what is going on."""
    overview = services.overview.get(principal=principal)
    jobs = tuple(public_job(job) for job in overview.jobs)
    return _OVERVIEW(replace(overview, jobs=jobs))


@router.get("/search", operation_id="search", response_model=list[Hit])
def search(
    services: ServicesDep,
    principal: Viewer,
    text: Annotated[str, Query(alias="q", max_length=200, description="Part of a name.")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    """Finds objects of every kind by name."""
    return _HITS(services.search.find(text, limit=limit, principal=principal))


@router.get("/sizes", operation_id="list_sizes", response_model=list[Size])
def list_sizes(_principal: Viewer) -> Response:
    """Lists the named amounts of CPU and memory."""
    return _SIZES(list(SIZES.values()))
