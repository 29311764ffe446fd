"""From a plan to a job: refuse what cannot be, enqueue the rest, and note who asked."""

from collections.abc import Callable

from sqlalchemy import Connection

from castalia.db.database import Database
from castalia.errors import (
    CastaliaError,
    Conflict,
    HostUnreachable,
    InsufficientCapacity,
    InvalidRequest,
    NotFound,
    Unsupported,
)
from castalia.jobs.engine import JobEngine
from castalia.jobs.request import JobRequest
from castalia.model.access import Principal
from castalia.model.job import Job
from castalia.model.plan import Check, Plan, Verdict
from castalia.services.audit import AuditService

_KINDS: dict[str, type[CastaliaError]] = {
    "capacity": InsufficientCapacity,
    "invalid": InvalidRequest,
    "missing": NotFound,
    "unreachable": HostUnreachable,
    "unsupported": Unsupported,
}


def refuse(plan: Plan) -> None:
    """Raises the error that belongs to the plan's first obstacle; nothing if there is none.

    The part of a check's code before the dot says which kind of error it is (`capacity.memory`);
    any other is a
    Conflict.
    """
    for check in plan.checks:
        if check.verdict is Verdict.BLOCKED:
            raise _error(check)


def _error(check: Check) -> CastaliaError:
    kind = _KINDS.get(check.code.partition(".")[0], Conflict)
    return kind(check.reason, remedy=check.remedy, code=check.code, field=check.field)


class Submission:
    """Enqueues jobs for the services."""

    def __init__(self, *, database: Database, engine: JobEngine, audit: AuditService) -> None:
        self._database = database
        self._engine = engine
        self._audit = audit

    def submit(
        self,
        request: JobRequest,
        *,
        plan: Plan,
        principal: Principal,
        guard: Callable[[Connection], object] | None = None,
    ) -> Job:
        """Enqueues `request` unless the plan has an obstacle, and returns the job.

        `guard` runs in the same transaction before it and may raise, for example because the object
        was changed
        meanwhile; then nothing is enqueued.
        """
        try:
            refuse(plan)
            with self._database.write() as connection:
                if guard is not None:
                    guard(connection)
                job_id = self._engine.enqueue(connection, request)
        except CastaliaError as error:
            self._note(request, principal, outcome="refused", detail=error.code)
            raise
        self._engine.wake()
        self._note(request, principal, outcome="accepted", detail=f"job {job_id}")
        return self._engine.get(job_id)

    def _note(
        self, request: JobRequest, principal: Principal, *, outcome: str, detail: str
    ) -> None:
        target = request.target_name or request.target
        self._audit.record(
            principal, action=request.kind, target=target, outcome=outcome, detail=detail
        )
