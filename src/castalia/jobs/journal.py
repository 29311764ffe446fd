"""What a running job writes down, so that another run can go on from there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from castalia.errors import CastaliaError
from castalia.model.job import JobState, StepState


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A step as an earlier run left it; `result` is JSON."""

    state: StepState
    position: int
    result: str = "null"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error in the words that users see."""

    code: str
    message: str
    remedy: str = ""


def describe(error: BaseException) -> Failure:
    """The user's view of an error. Of an unknown exception nothing is shown: its text may hold
    anything."""
    if isinstance(error, CastaliaError):
        return Failure(code=error.code, message=error.message, remedy=error.remedy)
    return Failure(
        code=CastaliaError.default_code,
        message="An internal error stopped the job.",
        remedy="The server's log has the details under the job's id.",
    )


class Journal(Protocol):
    """The journal of one run of one job. Every write raises LeaseLost when the job is no longer
    this run's."""

    def records(self) -> Mapping[str, StepRecord]:
        """The steps that earlier runs began, by name."""

    def begin(self, name: str, *, position: int) -> None:
        """A step starts, or starts again."""

    def done(self, name: str, result: str) -> None:
        """A step is done; `result` is JSON."""

    def failed(self, name: str, error: str) -> None:
        """A step failed."""

    def undoing(self, name: str) -> None:
        """The undo of a step starts."""

    def undone(self, name: str, *, error: str = "") -> None:
        """The undo of a step is through; `error` says that and how it failed."""

    def progress(self, percent: int, message: str) -> None:
        """Remembers how far the job is; committed at most once a second."""

    def log(self, text: str, *, level: str) -> None:
        """Remembers a line for the job's log; committed with the next write."""

    def unwind(self, ending: JobState, failure: Failure | None) -> None:
        """From now on the job is being undone, towards `ending`."""

    def finish(
        self, state: JobState, *, result: dict[str, Any] | None, failure: Failure | None
    ) -> None:
        """The job is over; its resources are free."""

    def release(self, *, delay_s: float = 0.0, retry: bool = False, message: str = "") -> None:
        """Gives the job back to the queue; it keeps its resources and its journal. `retry` counts
        it as another try."""
