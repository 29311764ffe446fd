"""What can be done with jobs."""

from castalia.model.job import Job, JobState
from castalia.web.changes import Ask, Change, by_verb
from castalia.web.command import Command


def _cancel(ask: Ask) -> None:
    ask.services.jobs.cancel(ask.ref, principal=ask.principal)


def _can_cancel(job: Job) -> bool:
    return not job.state.finished and not job.cancel_requested


CHANGES = by_verb(
    Change(
        noun="job",
        verb="cancel",
        label="Cancel",
        icon="x",
        button="Cancel the job",
        danger=True,
        done="The job will stop at its next safe point and undo what it did.",
        text="The job stops at its next safe point and undoes, in reverse order, the steps it did.",
        offered=_can_cancel,
        run=_cancel,
        command=lambda ask: Command(
            words=["job", "cancel", ask.ref], path=f"/jobs/{ask.ref}/cancel", method="POST"
        ),
    ),
    Change(
        noun="job",
        verb="retry",
        label="Try again",
        icon="refresh",
        text="The same job is run again with the same arguments.",
        offered=lambda job: (
            job.state in {JobState.FAILED, JobState.CANCELLED} and not job.repeated_as
        ),
        run=lambda ask: ask.services.jobs.retry(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["job", "retry", ask.ref], path=f"/jobs/{ask.ref}/retry", method="POST"
        ),
    ),
)
