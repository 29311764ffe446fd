"""What goes wrong in a job's steps: the manager is killed, or the step fails, before or after its
own work.

A killed manager writes nothing more: the step stands as begun in the journal, and its work is done.
"""

import fnmatch
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from castalia.errors import HypervisorError
from castalia.jobs.context import JobContext, Undo
from castalia.jobs.signals import LeaseLost

FAILURE = HypervisorError(
    "The step was made to fail.", code="test.fault", remedy="Take the fault away."
)
_STEP = JobContext.step


class Moment(StrEnum):
    """When a step fails."""

    BEFORE = "before its work"
    AFTER = "after its work"


class StepFaults:
    """Stands between workflows and their engine; does nothing until told to."""

    def __init__(self) -> None:
        self.killed = threading.Event()
        self.on_kill: Callable[[], None] = lambda: None
        self.clear()

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._kill, self._fail = "", ""
        self._moment = Moment.BEFORE
        self._undos = False
        self._undone: set[str] = set()

    def step(self, context: JobContext, name: str, fn: Any, **options: Any) -> Any:
        """In the place of JobContext.step."""
        options["undo"] = self._with_kill(name, options.get("undo"))
        return _STEP(context, name, lambda: self._run(name, fn), **options)

    def kill_after(self, step: str) -> None:
        """Kills the manager once, when the step has done its work."""
        self._kill = step

    def fail(self, step: str, moment: Moment) -> None:
        """Has the step fail for good."""
        self._fail, self._moment = step, moment

    def kill_after_every_undo(self) -> None:
        """Kills the manager after the work of each undo, once for each."""
        self._undos = True

    def _run(self, name: str, fn: Callable[[], Any]) -> Any:
        fails = bool(self._fail) and fnmatch.fnmatchcase(name, self._fail)
        if fails and self._moment is Moment.BEFORE:
            raise FAILURE
        result = fn()
        if fails:
            raise FAILURE
        if self._kill and fnmatch.fnmatchcase(name, self._kill):
            self._kill = ""
            self._die()
        return result

    def _with_kill(self, name: str, undo: Undo | None) -> Undo | None:
        if undo is None:
            return None

        def run(result: Any) -> None:
            undo(result)
            if self._undos and name not in self._undone:
                self._undone.add(name)
                self._die()

        return run

    def _die(self) -> None:
        self.killed.set()
        self.on_kill()
        raise LeaseLost
