"""What a handler sees of the engine: its arguments, steps, progress, log, the wish to cancel."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from castalia.errors import TemporaryError
from castalia.jobs.flags import RunFlags
from castalia.jobs.journal import Journal, StepRecord, describe
from castalia.jobs.signals import JobCancelled, JobSignal, LeaseLost, ShuttingDown, Unwinding
from castalia.model.job import StepState

T = TypeVar("T")
Undo = Callable[[Any], object]

MAX_BACKOFF_S = 60.0
# A step in one of these states has, or may have, left something behind.
_TO_UNDO = {StepState.RUNNING, StepState.DONE, StepState.FAILED}
# Undos run backwards: from the first step in one of these states on, all is through.
_THROUGH = {StepState.UNDONE, StepState.UNDO_FAILED}


@dataclass(frozen=True, kw_only=True)
class StepUndo:
    """How to undo a step; `result` is None when the step did not finish."""

    name: str
    undo: Undo | None
    result: Any
    retries: int
    backoff_s: float


class JobContext:
    """One run of a job. It belongs to the handler's thread.

    After a crash the handler runs again from its first line: what lies between steps must lead to
    the same steps again, given the same arguments and results.
    """

    def __init__(
        self,
        *,
        job_id: str,
        args: dict[str, Any],
        attempt: int,
        journal: Journal,
        flags: RunFlags,
        unwinding: bool = False,
    ) -> None:
        self.job_id = job_id
        self.args = args
        self.attempt = attempt
        self.unwinding = unwinding
        self.undos: list[StepUndo] = []
        self._journal = journal
        self._flags = flags
        self._records = dict(journal.records())
        self._visited: set[str] = set()
        self._inside = ""
        self._past_cancel = False

    @property
    def cancelled(self) -> bool:
        """Whether a cancel was asked for; never so while undos run, nor after a
        final step."""
        return self._flags.cancelled and not self.unwinding and not self._past_cancel

    @property
    def unvisited(self) -> list[str]:
        """Steps of earlier runs that may have to be undone and that this run did not come to."""
        through = [each.position for each in self._records.values() if each.state in _THROUGH]
        return [
            name
            for name, each in self._records.items()
            if name not in self._visited
            and each.state in _TO_UNDO
            and each.position < min(through, default=each.position + 1)
        ]

    def check(self) -> None:
        """Call it often in long work: it leaves the handler when a cancel was asked for, the
        manager shuts down, or the job was taken over."""
        if self._flags.lost:
            raise LeaseLost
        if self._flags.stopping:
            raise ShuttingDown
        if self.cancelled:
            raise JobCancelled

    def progress(self, percent: int, message: str = "") -> None:
        """Shows how far the job is, in percent, and what it is doing. Cheap: only the latest is
        committed, at most once a second."""
        if not self.unwinding:
            self._journal.progress(percent, message)

    def log(self, text: str, *, level: str = "info") -> None:
        """Adds a line to the job's log, which users read. The oldest lines go when there are too
        many."""
        self._journal.log(text, level=level)

    def step(
        self,
        name: str,
        fn: Callable[[], T],
        *,
        undo: Undo | None = None,
        final: bool = False,
        retries: int = 0,
        backoff_s: float = 1.0,
    ) -> T:
        """Runs `fn` once and for all; when an earlier run has done the step, only its result comes
        back, as it was written down in JSON.

        A step that was interrupted runs again, so `fn` must look at the real state first. A
        TemporaryError is tried again up to `retries` times, after `backoff_s` seconds, then twice
        that, and so on. `undo` gets the result, or None when the step did not finish; it must cope
        with being run again.

        Once a `final` step is done, or was interrupted so that it may be, the job can no longer be
        cancelled: it has destroyed something, and undoing the rest would give back a ruin.
        """
        self._enter(name)
        record = self._records.get(name)
        if final and record and record.state in {StepState.DONE, StepState.RUNNING}:
            self._past_cancel = True
        remember = partial(self._remember, name, undo, retries=retries, backoff_s=backoff_s)
        if record and record.state is StepState.DONE:
            return cast(T, remember(json.loads(record.result)))
        if self.unwinding:
            if record and record.state in _TO_UNDO:
                remember(None)
            raise Unwinding
        self.check()
        remember(None)
        result = self._attempts(name, fn, record, retries=retries, backoff_s=backoff_s)
        self.undos.pop()
        self._past_cancel |= final
        return remember(result)

    def pause(self, seconds: float) -> None:
        """Sleeps, but leaves the handler as `check` does when there is a reason to."""
        self._flags.pause(seconds, through_cancel=self.unwinding or self._past_cancel)
        self.check()

    def _enter(self, name: str) -> None:
        if self._inside:
            raise RuntimeError(f"step {name} begins inside step {self._inside}")
        if name in self._visited:
            raise RuntimeError(f"step {name} is there twice in one job")
        self._visited.add(name)

    def _remember(
        self, name: str, undo: Undo | None, result: T, *, retries: int, backoff_s: float
    ) -> T:
        self.undos.append(
            StepUndo(name=name, undo=undo, result=result, retries=retries, backoff_s=backoff_s)
        )
        return result

    def _attempts(
        self,
        name: str,
        fn: Callable[[], T],
        record: StepRecord | None,
        *,
        retries: int,
        backoff_s: float,
    ) -> T:
        position = record.position if record else len(self._visited)
        for retry in range(retries + 1):
            self._journal.begin(name, position=position)
            try:
                return self._once(name, fn)
            except TemporaryError as error:
                if retry == retries:
                    raise
                pause_s = backoff(backoff_s, retry)
                self.log(f"{name}: {error.message} Trying again in {pause_s:g} s.", level="warning")
                self.pause(pause_s)
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, name: str, fn: Callable[[], T]) -> T:
        self._inside = name
        try:
            text = json.dumps(fn())
        except JobSignal:
            raise
        except Exception as error:
            self._journal.failed(name, describe(error).message)
            raise
        finally:
            self._inside = ""
        self._journal.done(name, text)
        result: T = json.loads(text)
        return result


def backoff(first_s: float, retry: int) -> float:
    """The pause before retry number `retry` (from 0), in seconds."""
    return float(min(MAX_BACKOFF_S, first_s * 2**retry))
