"""Runs one claimed job from where it stands to its end."""

import json
from dataclasses import dataclass
from typing import Any

import structlog

from castalia.errors import CastaliaError, TemporaryError
from castalia.jobs.claim import Claim
from castalia.jobs.context import JobContext, StepUndo, backoff
from castalia.jobs.flags import RunFlags
from castalia.jobs.journal import Failure, Journal, describe
from castalia.jobs.kinds import Kind
from castalia.jobs.signals import JobCancelled, JobSignal, LeaseLost, ShuttingDown, Unwinding
from castalia.model.job import JobState

CRASHES_BEFORE_UNDO = 5
CRASHES_BEFORE_BURIAL = 10
RETRY_BACKOFF_S = 5.0

_logger = structlog.get_logger(__name__)

_CRASHED = Failure(
    code="job.crashed",
    message="The manager died again and again while it ran this step, so the job was undone.",
    remedy="Look into the server's log for the reason before running it again.",
)
_DEAD = Failure(
    code="job.dead",
    message="The manager died again and again while it undid this job, so it was given up.",
    remedy="Look into the server's log, and remove by hand what the job has left behind.",
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One claimed job with all that its run needs."""

    claim: Claim
    kind: Kind
    journal: Journal
    flags: RunFlags

    def __call__(self) -> None:
        """Runs the job; whatever happens is written down, nothing is raised."""
        try:
            with structlog.contextvars.bound_contextvars(job_id=self.claim.id):
                self._go_on()
        except ShuttingDown:
            self._release()
        except LeaseLost:
            _logger.warning("job.lease-lost", job_id=self.claim.id, fence=self.claim.fence)
        except Exception:
            # The journal could not be written; the lease ends by itself and the job is taken up.
            _logger.exception("job.abandoned", job_id=self.claim.id)

    def _release(self) -> None:
        try:
            self.journal.release()
        except LeaseLost:
            _logger.warning("job.lease-lost", job_id=self.claim.id, fence=self.claim.fence)

    def _go_on(self) -> None:
        if self.claim.crashes >= CRASHES_BEFORE_BURIAL:
            self.journal.finish(JobState.FAILED, result=None, failure=_DEAD)
        elif self.claim.ending:
            self._unwind(self._replay(), JobState(self.claim.ending), None)
        elif self.claim.crashes >= CRASHES_BEFORE_UNDO:
            self.journal.unwind(JobState.FAILED, _CRASHED)
            self._unwind(self._replay(), JobState.FAILED, _CRASHED)
        else:
            self._forward()

    def _context(self, *, unwinding: bool) -> JobContext:
        return JobContext(
            job_id=self.claim.id,
            args=json.loads(self.claim.args),
            attempt=self.claim.attempt,
            journal=self.journal,
            flags=self.flags,
            unwinding=unwinding,
        )

    def _forward(self) -> None:
        context = self._context(unwinding=False)
        try:
            result = _json_object(self.kind.handler(context))
        except JobCancelled:
            self._turn(context, JobState.CANCELLED, None)
        except JobSignal:
            raise
        except TemporaryError as error:
            self._retry_or_fail(context, error)
        except Exception as error:
            self._fail(context, error)
        else:
            self.journal.finish(JobState.SUCCEEDED, result=result, failure=None)

    def _retry_or_fail(self, context: JobContext, error: TemporaryError) -> None:
        if self.claim.retried >= self.kind.retries or context.cancelled:
            self._fail(context, error)
            return
        pause_s = backoff(RETRY_BACKOFF_S, self.claim.retried)
        self.journal.log(f"{error.message} Trying again in {pause_s:g} s.", level="warning")
        self.journal.release(delay_s=pause_s, retry=True, message=error.message)

    def _fail(self, context: JobContext, error: Exception) -> None:
        failure = describe(error)
        if isinstance(error, CastaliaError):
            _logger.warning("job.failed", code=failure.code, detail=error.detail)
        else:
            _logger.error("job.failed", exc_info=error)
        self.journal.log(failure.message, level="error")
        ending = JobState.CANCELLED if context.cancelled else JobState.FAILED
        self._turn(context, ending, failure)

    def _turn(self, context: JobContext, ending: JobState, failure: Failure | None) -> None:
        self.journal.unwind(ending, failure)
        # A repeat can leave the handler before it came to all that an earlier run has done.
        self._unwind(self._replay() if context.unvisited else context, ending, failure)

    def _replay(self) -> JobContext:
        """Runs the handler again without any step, only to learn the undos of what was done."""
        context = self._context(unwinding=True)
        try:
            self.kind.handler(context)
        except Unwinding:
            pass
        except JobSignal:
            raise
        except Exception:
            _logger.exception("job.replay-failed")
        for name in context.unvisited:
            self.journal.log(f"{name}: its undo was not found.", level="error")
            self.journal.undone(name, error="The undo was not found.")
        return context

    def _unwind(self, context: JobContext, ending: JobState, failure: Failure | None) -> None:
        context.unwinding = True
        for entry in reversed(context.undos):
            if entry.undo is not None:
                self._undo(context, entry)
        self.journal.finish(ending, result=None, failure=failure)

    def _undo(self, context: JobContext, entry: StepUndo) -> None:
        context.check()
        self.journal.undoing(entry.name)
        try:
            _attempts(context, entry)
        except Exception as error:
            failure = describe(error)
            _logger.exception("job.undo-failed", step=entry.name)
            self.journal.log(f"{entry.name}: the undo failed: {failure.message}", level="error")
            self.journal.undone(entry.name, error=failure.message)
        else:
            self.journal.log(f"{entry.name}: undone.", level="info")
            self.journal.undone(entry.name)


def _attempts(context: JobContext, entry: StepUndo) -> None:
    assert entry.undo is not None  # noqa: S101 -- told by the caller; keeps the type checker sure
    for retry in range(entry.retries + 1):
        try:
            entry.undo(entry.result)
        except TemporaryError:
            if retry == entry.retries:
                raise
            context.pause(backoff(entry.backoff_s, retry))
        else:
            return


def _json_object(result: dict[str, Any] | None) -> dict[str, Any]:
    """The handler's result as it will be read back; a value that is no JSON is the handler's
    mistake and must undo the job, not lose it."""
    value: dict[str, Any] = json.loads(json.dumps(result or {}))
    return value
