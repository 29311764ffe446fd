"""Jobs: durable runs that users see."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class StepState(StrEnum):
    """Where a step of a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"


@dataclass(frozen=True, kw_only=True)
class JobStep:
    """One idempotent unit of a job, as its journal has it."""

    name: str
    position: int
    state: StepState
    attempts: int
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class JobLogLine:
    """A line of a job's log. Lines of a job are numbered from 1; the oldest may be gone."""

    number: int = 0
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as users see it. `target` says what it works on (`vm:ID`), `result` what came out."""

    id: str
    kind: str
    title: str
    state: JobState
    args: dict[str, Any] = field(default_factory=dict)
    target: str = ""
    target_name: str = ""
    host_id: str = ""
    parent_id: str = ""
    priority: int = 50
    percent: int = 0
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""
    remedy: str = ""
    cancel_requested: bool = False
    waiting_for: str = ""
    created_by: str = ""
    repeated_as: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    steps: tuple[JobStep, ...] = ()
