"""Steps, their journal, retries, undo, and what users see of failures."""

import pytest

from castalia.errors import HostUnreachable, StorageError
from castalia.model.job import JobState, StepState

from .conftest import states


def failing(bench, error, *, times=99):
    left = [times]

    def fn():
        bench.did.append("try")
        if left[0]:
            left[0] -= 1
            raise error
        return "fine"

    return fn


FULL = StorageError("The repository is full.", remedy="Add space.", detail="/secret/path")
LOST = HostUnreachable("Host h1 cannot be reached.")


def test_failed_step_undoes_itself_and_all_before_it_in_reverse(bench):
    def handler(ctx):
        ctx.step("disk", bench.note("disk", {"path": "d"}), undo=bench.note("undo disk"))
        ctx.step("check", bench.note("check"))
        ctx.step("define", failing(bench, FULL), undo=bench.note("undo define"))
        ctx.step("never", bench.note("never"))

    bench.engine.register("create", handler)
    bench.engine.start()
    job = bench.run("create", "vm:1")
    assert bench.did == ["disk", "check", "try", "undo define None", "undo disk {'path': 'd'}"]
    assert job.state is JobState.FAILED
    assert (job.error_code, job.error, job.remedy) == (
        "storage",
        "The repository is full.",
        "Add space.",
    )
    assert states(job) == {
        "disk": StepState.UNDONE,
        "check": StepState.DONE,
        "define": StepState.UNDONE,
    }
    assert job.steps[2].error == "The repository is full."
    assert [step.name for step in job.steps] == ["disk", "check", "define"]


def test_unknown_exception_shows_nothing_of_itself(bench):
    def handler(ctx):
        ctx.step("secret", failing(bench, RuntimeError("password=hunter2")))

    bench.engine.register("secret", handler)
    bench.engine.start()
    job = bench.run("secret")
    assert (job.state, job.error_code) == (JobState.FAILED, "internal")
    lines = bench.engine.log(job.id)
    assert "hunter2" not in f"{job}{lines}"


def test_failing_undo_is_recorded_and_the_others_still_run(bench):
    def handler(ctx):
        ctx.step("a", bench.note("a"), undo=bench.note("undo a"))
        ctx.step("b", bench.note("b"), undo=lambda _: failing(bench, FULL)())
        ctx.step("c", failing(bench, FULL))

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert bench.did == ["a", "b", "try", "try", "undo a None"]
    assert states(job)["b"] is StepState.UNDO_FAILED
    assert job.steps[1].error == "The repository is full."
    assert any("b: the undo failed" in line.text for line in bench.engine.log(job.id))


def test_temporary_error_is_tried_again_in_the_step(bench):
    def handler(ctx):
        return {"r": ctx.step("a", failing(bench, LOST, times=2), retries=2, backoff_s=0.001)}

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert (job.result, bench.did, job.steps[0].attempts) == ({"r": "fine"}, ["try"] * 3, 3)


def test_temporary_error_fails_the_job_when_the_tries_are_used_up(bench):
    def handler(ctx):
        ctx.step("a", failing(bench, LOST), retries=1, backoff_s=0.001)

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert (job.state, job.error_code, len(bench.did)) == (JobState.FAILED, "host-unreachable", 2)


def test_job_is_tried_again_as_a_whole_but_not_its_done_steps(bench, monkeypatch):
    monkeypatch.setattr("castalia.jobs.run.RETRY_BACKOFF_S", 0.001)
    shaky = failing(bench, LOST, times=1)

    def handler(ctx):
        ctx.step("a", bench.note("a"))
        return {"b": ctx.step("b", shaky), "attempt": ctx.attempt}

    bench.engine.register("k", handler, retries=1)
    bench.engine.start()
    job = bench.run("k", "vm:1")
    assert job.result == {"b": "fine", "attempt": 2}
    assert bench.did == ["a", "try", "try"]


def test_result_is_the_same_whether_run_or_read_back(bench):
    seen = []
    bench.engine.register("k", lambda ctx: seen.append(ctx.step("a", lambda: (1, 2))))
    bench.engine.start()
    bench.run("k")
    assert seen == [[1, 2]]


@pytest.mark.parametrize("result", [{"x": {1, 2}}, object()])
def test_result_that_is_no_json_undoes_the_job(sqlite_bench, result):
    bench = sqlite_bench

    def handler(ctx):
        ctx.step("a", bench.note("a"), undo=bench.note("undo a"))
        ctx.step("b", lambda: result, undo=bench.note("undo b"))

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert (job.state, bench.did) == (JobState.FAILED, ["a", "undo b None", "undo a None"])


def test_handler_result_that_is_no_json_undoes_the_job(sqlite_bench):
    bench = sqlite_bench

    def handler(ctx):
        ctx.step("a", bench.note("a"), undo=bench.note("undo a"))
        return {"x": object()}

    bench.engine.register("k", handler)
    bench.engine.start()
    assert bench.run("k").state is JobState.FAILED
    assert bench.did == ["a", "undo a None"]


@pytest.mark.parametrize("shape", ["twice", "nested"])
def test_steps_that_share_a_name_or_nest_are_refused(sqlite_bench, shape):
    def handler(ctx):
        if shape == "nested":
            ctx.step("a", lambda: ctx.step("b", lambda: None))
        ctx.step("a", lambda: None)
        ctx.step("a", lambda: None)

    sqlite_bench.engine.register("k", handler)
    sqlite_bench.engine.start()
    assert sqlite_bench.run("k").state is JobState.FAILED


def test_progress_and_log_are_there_at_the_end(bench):
    def handler(ctx):
        ctx.progress(10, "begin")
        ctx.log("line one")
        ctx.progress(150, "nearly")
        ctx.log("line two", level="warning")
        ctx.step("a", lambda: None)

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert job.message == "nearly"
    lines = bench.engine.log(job.id)
    assert [(x.number, x.level, x.text) for x in lines] == [
        (1, "info", "line one"),
        (2, "warning", "line two"),
    ]
    assert [x.number for x in bench.engine.log(job.id, after=1)] == [2]


def test_progress_is_committed_at_most_once_a_second(sqlite_bench, monkeypatch):
    monkeypatch.setattr("castalia.jobs.run_journal.PROGRESS_EVERY_S", 3600.0)

    def handler(ctx):
        for percent in range(100):
            ctx.progress(percent)

    sqlite_bench.engine.register("k", handler)
    sqlite_bench.engine.start()
    job = sqlite_bench.run("k")
    shown = {each.percent for each in sqlite_bench.changes if each.state is JobState.RUNNING}
    assert shown <= {0, 99}
    assert job.percent == 100


def test_log_keeps_the_newest_lines_only(sqlite_bench, monkeypatch):
    monkeypatch.setattr("castalia.jobs.run_journal.LOG_LINES_KEPT", 10)

    def handler(ctx):
        for number in range(25):
            ctx.step(f"s{number}", lambda n=number: ctx.log("x" * 3000 + str(n)))

    sqlite_bench.engine.register("k", handler)
    sqlite_bench.engine.start()
    job = sqlite_bench.run("k")
    lines = sqlite_bench.engine.log(job.id)
    assert [x.number for x in lines] == list(range(16, 26))
    assert len(lines[0].text) == 2000


def test_every_visible_change_is_announced_after_its_commit(bench):
    def handler(ctx):
        ctx.step("a", lambda: None)

    bench.engine.register("k", handler)
    bench.engine.start()
    bench.run("k")
    bench.close()
    assert bench.changes[0].state in {JobState.QUEUED, JobState.RUNNING}
    assert bench.changes[-1].state is JobState.SUCCEEDED
    assert sum(job.state.finished for job in bench.changes) == 1
    bench.engine._announcer.created(bench.changes[-1].id)  # too late, it is no news any more
    assert sum(job.state.finished for job in bench.changes) == 1
    assert {states(job).get("a") for job in bench.changes} >= {StepState.RUNNING, StepState.DONE}


def test_a_callback_that_fails_harms_no_job(sqlite_bench):
    def fail(_job):
        raise RuntimeError("browser gone")

    sqlite_bench.engine._announcer._on_change = fail
    sqlite_bench.engine.register("k", lambda ctx: None)
    sqlite_bench.engine.start()
    assert sqlite_bench.run("k").state is JobState.SUCCEEDED
