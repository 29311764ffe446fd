"""Jobs: the list, one with its steps and log, the tray, and toasts."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.job import Job, JobState
from castalia.model.page import PageRequest
from castalia.web import command
from castalia.web.changes_job import CHANGES
from castalia.web.undo import undo_of
from castalia.web.visit import ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
_TRAY = 8


@router.get("/jobs")
def jobs_page(visit: ViewerVisit) -> Response:
    """All jobs, the newest first."""
    asked = visit.wanted(sort="-created")
    return visit.show(
        "jobs/list.html",
        page=visit.services.jobs.list(asked, principal=visit.principal),
        sort=asked.sort,
        filter=asked.filter,
        changes=visit.allowed(CHANGES),
        command=command.listing("job", "/jobs", filter=asked.filter),
    )


@router.get("/jobs/table")
def jobs_table(visit: ViewerVisit) -> Response:
    """The list's table, as it changes."""
    asked = visit.wanted(sort="-created")
    page = visit.services.jobs.list(asked, principal=visit.principal)
    return visit.part(
        "jobs/table.html", page=page, filter=asked.filter, changes=visit.allowed(CHANGES)
    )


@router.get("/jobs/tray")
def jobs_tray(visit: ViewerVisit) -> Response:
    """What runs now, and what ended lately."""
    latest = PageRequest(limit=2 * _TRAY)
    recent = visit.services.jobs.list(latest, principal=visit.principal).items
    ended = [job for job in recent if job.state.finished][:_TRAY]
    return visit.part("jobs/tray.html", active=_active(visit), recent=ended)


def _active(visit: Visit) -> list[Job]:
    """Jobs that run, then jobs that wait."""
    found: list[Job] = []
    for state in (JobState.RUNNING, JobState.QUEUED):
        wanted = PageRequest(limit=_TRAY, filter=f"state:{state}")
        found += visit.services.jobs.list(wanted, principal=visit.principal).items
    return found[:_TRAY]


@router.get("/jobs/{job_id}")
def job_page(visit: ViewerVisit, job_id: str) -> Response:
    """A job's steps, log, outcome."""
    return visit.show(
        "jobs/job.html",
        job=visit.services.jobs.get(job_id, principal=visit.principal),
        log=visit.services.jobs.log(job_id, principal=visit.principal),
        changes=visit.allowed(CHANGES),
        command=command.Command(words=["job", "follow", job_id], path=f"/jobs/{job_id}"),
    )


@router.get("/jobs/{job_id}/live")
def job_live(visit: ViewerVisit, job_id: str) -> Response:
    """The part of a job's page that changes while it runs."""
    return visit.part(
        "jobs/live.html",
        job=visit.services.jobs.get(job_id, principal=visit.principal),
        log=visit.services.jobs.log(job_id, principal=visit.principal),
        changes=visit.allowed(CHANGES),
    )


@router.get("/jobs/{job_id}/toast")
def job_toast(visit: ViewerVisit, job_id: str) -> Response:
    """A job in a few words, for the corner of any page."""
    job = visit.services.jobs.get(job_id, principal=visit.principal)
    changes = visit.allowed(CHANGES)
    undo = undo_of(job) if visit.operates else None
    return visit.part("jobs/toast.html", job=job, changes=changes, undo=undo)
