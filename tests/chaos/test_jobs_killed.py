"""The manager is killed in every step and in every undo; the job still ends as it should."""

from tests.chaos.job_worker import STEPS

from castalia.model.job import JobState, StepState


def test_killed_before_and_after_the_effect_of_every_step(managers):
    job_id = managers.put()
    for step in STEPS:
        for when in ("before", "after"):
            managers.start(f"{when} {step}").wait(timeout=60)
    managers.start()
    job = managers.end(job_id)
    assert job.state is JobState.SUCCEEDED
    # once by the run that died after the effect, once by the next; and never again once journaled
    assert managers.done("do", job_id) == [step for step in STEPS for _ in range(2)]
    assert [step.attempts for step in job.steps] == [3] * 5


def test_killed_in_every_undo(managers):
    job_id = managers.put(fail=True)
    for step in reversed(STEPS):
        managers.start(f"after undo {step}").wait(timeout=60)
    managers.start()
    job = managers.end(job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "storage")
    assert managers.done("do", job_id) == list(STEPS)
    assert managers.done("undo", job_id) == [step for step in reversed(STEPS) for _ in range(2)]
    assert {step.state for step in job.steps} == {StepState.UNDONE}
