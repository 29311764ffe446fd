"""Jobs, as users see and steer them."""

from collections.abc import Sequence
from dataclasses import dataclass

from castalia.jobs.engine import JobEngine
from castalia.jobs.schedule import Schedule
from castalia.model.access import Principal, Role
from castalia.model.job import Job, JobLogLine
from castalia.model.page import Page, PageRequest
from castalia.services.audit import AuditService

# All other kinds are the administrators'.
_OF_OPERATORS = ("vm_", "volume_", "template_")


def role_for(job: Job) -> Role:
    """Who may have such a job done: files of the manager's machine are the administrators'."""
    source = job.args.get("source")
    from_file = isinstance(source, dict) and bool(source.get("path"))
    return Role.OPERATOR if job.kind.startswith(_OF_OPERATORS) and not from_file else Role.ADMIN


@dataclass(frozen=True, kw_only=True)
class JobService:
    """Reads jobs, cancels and repeats them."""

    engine: JobEngine
    audit: AuditService

    def list(self, page: PageRequest, *, target: str = "", principal: Principal) -> Page[Job]:
        """A page of jobs, newest first."""
        principal.require(Role.VIEWER)
        return self.engine.list(
            target=target, filter=page.filter, limit=page.limit, cursor=page.cursor
        )

    def get(self, job_id: str, *, principal: Principal) -> Job:
        """The job with its steps."""
        principal.require(Role.VIEWER)
        return self.engine.get(job_id)

    def log(self, job_id: str, *, after: int = 0, principal: Principal) -> Sequence[JobLogLine]:
        """The lines of the job's log after the first `after`."""
        principal.require(Role.VIEWER)
        return self.engine.log(job_id, after=after)

    def cancel(self, job_id: str, *, principal: Principal) -> Job:
        """Asks the job to stop; what it has done is undone. Whoever may not ask for such a job may
        not cancel one."""
        principal.require(Role.OPERATOR)
        principal.require(role_for(self.engine.get(job_id)))
        self.engine.cancel(job_id)
        job = self.engine.get(job_id)
        self.audit.record(principal, action="job_cancel", target=job.title, outcome="accepted")
        return job

    def retry(self, job_id: str, *, principal: Principal) -> Job:
        """Runs a failed or cancelled job again, as a new job. Takes the role that the first one
        took."""
        principal.require(Role.OPERATOR)
        principal.require(role_for(self.engine.get(job_id)))
        job = self.engine.get(self.engine.retry(job_id))
        self.audit.record(principal, action="job_retry", target=job.title, outcome="accepted")
        return job

    def schedules(self, *, principal: Principal) -> Sequence[Schedule]:
        """What is done again and again."""
        principal.require(Role.VIEWER)
        return self.engine.schedules()
