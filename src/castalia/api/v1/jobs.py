"""Jobs: what runs, ran and waits."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from castalia.api.answers import Shape, accepted
from castalia.api.bodies import JobLog
from castalia.api.deps import ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import NewestFirst, paged
from castalia.api.redaction import public_job, public_jobs
from castalia.http.security import Operator, Viewer
from castalia.model.job import Job
from castalia.model.page import Page

router = APIRouter(prefix="/jobs", tags=["Jobs"], route_class=RepeatableRoute)
_JOB, _JOBS, _LOG = Shape(Job), Shape(Page[Job]), Shape(JobLog)
_LONG_TIME_LINES = 2**31 - 1
Id = Annotated[
    str,
    Path(max_length=64, description="The job's id.", examples=["01kav3c5x9m2q7t8e4nd"]),
]


@router.get("", operation_id="list_jobs", response_model=Page[Job])
def list_jobs(
    request: Request, page: NewestFirst, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists jobs, the newest first.

    `filter` knows state, kind, target, host and user (`state:failed kind:vm_create`).
    """
    return paged(public_jobs(services.jobs.list(page, principal=principal)), _JOBS, request)


@router.get("/{id}", operation_id="get_job", response_model=Job)
def get_job(id: Id, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a job with its steps."""
    return _JOB(public_job(services.jobs.get(id, principal=principal)))


@router.get("/{id}/log", operation_id="get_job_log", response_model=JobLog)
def get_job_log(
    id: Id,
    services: ServicesDep,
    principal: Viewer,
    after: Annotated[
        int, Query(ge=0, le=_LONG_TIME_LINES, description="`next` of the answer before.")
    ] = 0,
) -> Response:
    """Shows a job's log, from a line on."""
    lines = services.jobs.log(id, after=after, principal=principal)
    return _LOG(JobLog(items=tuple(lines), next=after + len(lines)))


@router.post("/{id}/cancel", operation_id="cancel_job", response_model=Job)
def cancel_job(id: Id, services: ServicesDep, principal: Operator) -> Response:
    """Asks a job to stop; it undoes what it did and then says so."""
    return _JOB(public_job(services.jobs.cancel(id, principal=principal)))


@router.post("/{id}/retry", operation_id="retry_job", response_model=Job, status_code=202)
def retry_job(id: Id, services: ServicesDep, principal: Operator) -> Response:
    """Runs a failed or cancelled job again."""
    return accepted(services.jobs.retry(id, principal=principal))
