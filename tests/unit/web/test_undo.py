"""What takes a job back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from castalia.model.job import Job, JobState
from castalia.model.vm import PowerAction
from castalia.web.undo import Undo, undo_of


def job(kind: str, *, state: JobState = JobState.SUCCEEDED, **args: Any) -> Job:
    return Job(
        id="j1",
        kind=kind,
        title="",
        state=state,
        args=args,
        target="vm:v1",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("done", "back"),
    [
        (PowerAction.START, "shutdown"),
        (PowerAction.SHUTDOWN, "start"),
        (PowerAction.PAUSE, "resume"),
        (PowerAction.SUSPEND, "start"),
    ],
)
def test_the_counter_action_takes_a_power_action_back(done: PowerAction, back: str) -> None:
    undo = undo_of(job("vm_power", action=done.value))
    assert undo == Undo(label="Undo", address=f"/do/vm/{back}?ref=v1")


def test_a_vm_that_was_made_can_be_deleted() -> None:
    undo = undo_of(job("vm_clone"))
    assert undo is not None
    assert undo.address == "/do/vm/delete?ref=v1"


@pytest.mark.parametrize(
    "final",
    [
        job("vm_delete"),
        job("vm_power", action=PowerAction.RESET.value),
        job("vm_power", action=PowerAction.START.value, state=JobState.FAILED),
        job("vm_power", action=PowerAction.START.value, state=JobState.RUNNING),
    ],
)
def test_what_is_final_failed_or_running_has_no_undo(final: Job) -> None:
    assert undo_of(final) is None
