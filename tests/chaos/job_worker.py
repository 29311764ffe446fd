"""A manager process for the chaos tests: runs jobs until it is killed.

Usage: python -m tests.chaos.job_worker URL DIRECTORY LEASE_TTL_S [KILL_AT]

Every effect is a line appended to DIRECTORY/effects, which the kernel keeps in one order for all
processes. At the place named KILL_AT the process kills itself, once.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from castalia.db.database import Database
from castalia.errors import StorageError
from castalia.jobs.context import JobContext
from castalia.jobs.engine import JobEngine
from castalia.settings import JobSettings

STEPS = ("one", "two", "three", "four", "five")


class Worker:
    """The handlers, and where the process has to die."""

    def __init__(self, directory: Path, kill_at: str) -> None:
        self._directory = directory
        self._kill_at = kill_at
        self._effects = os.open(directory / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def effect(self, *words: str) -> None:
        """Something that the world can see."""
        os.write(self._effects, (" ".join(words) + "\n").encode())

    def place(self, name: str) -> None:
        """Dies here, if it is the place."""
        if name == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def do(self, ctx: JobContext, step: str) -> str:
        """A step that may die before and after its effect, and waits where it is told to."""
        self.place(f"before {step}")
        self.effect("do", ctx.job_id, step, str(os.getpid()))
        while (self._directory / f"hold-{step}").exists():
            time.sleep(0.01)
        self.place(f"after {step}")
        return step

    def undo(self, ctx: JobContext, step: str, result: str | None) -> None:
        """The same for an undo."""
        self.place(f"before undo {step}")
        self.effect("undo", ctx.job_id, step, str(result))
        self.place(f"after undo {step}")

    def steps(self, ctx: JobContext) -> dict[str, int]:
        """Five steps, with the host's place held meanwhile; fails at the end when told to."""
        host = ctx.args.get("host", "")
        self.effect("enter", ctx.job_id, host)
        for step in STEPS:
            ctx.step(
                step,
                lambda step=step: self.do(ctx, step),
                undo=lambda result, step=step: self.undo(ctx, step, result),
            )
        if ctx.args.get("fail"):
            raise StorageError("The repository is full.")
        self.effect("leave", ctx.job_id, host)
        return {"pid": os.getpid()}


def main(url: str, directory: str, lease_ttl_s: str, kill_at: str = "") -> None:
    """Runs until it is killed."""
    worker = Worker(Path(directory), kill_at)
    database = Database(url)
    settings = JobSettings(lease_ttl_s=float(lease_ttl_s), workers=16)
    engine = JobEngine(database, settings, lock_dir=Path(directory))
    engine.register("steps", worker.steps)
    engine.start()
    worker.effect("up", str(os.getpid()))
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
