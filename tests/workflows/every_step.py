"""What every workflow promises, whatever it does: it succeeds; each step may be interrupted after
its work and is repeated; each step may fail, before or after its work, and then nothing is left.

A test module says, in a subclass for each workflow and variant, what the steps are, how the job
comes about, and what it has done in the end.
"""

import difflib
import fnmatch
from typing import ClassVar

from tests.workflows.faults import FAILURE, Moment
from tests.workflows.slate import Slate, anonymous, differences, disagreements, slate
from tests.workflows.world import World

from castalia.model.job import Job, JobState, StepState

_UNDISTURBED: dict[type, list[str]] = {}
"""What there was in the end of an undisturbed run, for the runs that come after it."""


class EveryStep:
    """The promises as tests."""

    steps: ClassVar[tuple[str, ...]] = ()
    """The names of the job's steps; `*` stands for what differs from run to run."""

    def prepare(self, world: World) -> None:
        """What is there before."""

    def begin(self, world: World) -> Job:
        """Enqueues the job."""
        raise NotImplementedError

    def check(self, world: World, job: Job) -> None:
        """Asserts that the job did what it is for."""
        raise NotImplementedError

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """Asserts what there is after the job has failed in `step`: what was there before it."""
        world.until(lambda: slate(world) == before, "\n".join(differences(before, slate(world))))

    # --- the promises ---
    def test_it_succeeds(self, world: World) -> None:
        self.prepare(world)
        job = world.done(self.begin(world))
        names = [step.name for step in job.steps]
        assert len(names) == len(self.steps), names
        for name, pattern in zip(names, self.steps, strict=True):
            assert fnmatch.fnmatchcase(name, pattern), names
        self.check(world, job)
        self._agree(world)
        _UNDISTURBED[type(self)] = anonymous(slate(world))

    def test_a_step_is_repeated_when_the_manager_is_killed_after_its_work(
        self, world: World, step: str
    ) -> None:
        self.prepare(world)
        world.faults.kill_after(step)
        job = world.done(self.begin(world))
        assert [one.attempts for one in job.steps if fnmatch.fnmatchcase(one.name, step)] == [2]
        self.check(world, job)
        self._agree(world)
        now = anonymous(slate(world))
        undisturbed = _UNDISTURBED.get(type(self), now)
        assert not list(difflib.unified_diff(undisturbed, now, n=0))

    def test_a_step_that_fails_leaves_a_clean_slate(
        self, prepared: World, step: str, moment: Moment
    ) -> None:
        before = slate(prepared)
        prepared.faults.fail(step, moment)
        self._check_failure(prepared.ended(self.begin(prepared)))
        self.check_failed(prepared, before, step)
        self._agree(prepared)

    def test_an_undo_is_repeated_when_the_manager_is_killed_after_its_work(
        self, prepared: World
    ) -> None:
        before = slate(prepared)
        prepared.faults.fail(self.steps[-1], Moment.AFTER)
        prepared.faults.kill_after_every_undo()
        self._check_failure(prepared.ended(self.begin(prepared)))
        self.check_failed(prepared, before, self.steps[-1])
        self._agree(prepared)

    # --- inside ---
    def _check_failure(self, job: Job) -> None:
        told = (job.state, job.error_code, job.error, job.remedy)
        assert told == (JobState.FAILED, FAILURE.code, FAILURE.message, FAILURE.remedy)
        wrong = [one for one in job.steps if one.state is StepState.UNDO_FAILED]
        assert not wrong, wrong

    def _agree(self, world: World) -> None:
        for host in world.hosts_known():
            world.wait_up(host.name)
        world.until(lambda: not disagreements(world), "\n".join(disagreements(world)))
