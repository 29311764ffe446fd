"""Cancel while running, shutdown, and going on after it."""

import pytest

from castalia.errors import Busy, Conflict
from castalia.jobs.engine import JobEngine
from castalia.model.job import JobState, StepState
from castalia.settings import JobSettings

from .conftest import Bench, states


def test_cancel_while_running_undoes_and_keeps_the_resource_until_then(bench, gate):
    seen = []

    def undo(result):
        seen.append(bench.engine.get(later).state)
        bench.did.append(f"undo {result}")

    def handler(ctx):
        ctx.step("a", lambda: "A", undo=undo)
        ctx.step("b", gate, undo=bench.note("undo b"))
        ctx.step("c", bench.note("c"))

    bench.engine.register("k", handler)
    bench.engine.register("noop", lambda ctx: None)
    bench.engine.start()
    job_id = bench.put("k", "vm:1")
    gate.reached()
    later = bench.put("noop", "vm:1")
    bench.engine.cancel(job_id)
    assert bench.engine.get(job_id).state is JobState.RUNNING
    gate.open()
    job = bench.end(job_id)
    assert (job.state, job.error) == (JobState.CANCELLED, "")
    assert bench.did == ["undo b None", "undo A"]
    assert seen == [JobState.QUEUED]
    assert bench.end(later).state is JobState.SUCCEEDED


def test_check_leaves_long_work_when_cancelled(bench, gate):
    def handler(ctx):
        def work():
            gate()
            while True:
                ctx.check()

        ctx.step("a", work, undo=bench.note("undo"))

    bench.engine.register("k", handler)
    bench.engine.start()
    job_id = bench.put("k")
    gate.reached()
    bench.engine.cancel(job_id)
    gate.open()
    assert bench.end(job_id).state is JobState.CANCELLED
    assert bench.did == ["undo None"]


def test_cancel_ends_the_pause_before_another_try(sqlite_bench):
    bench = sqlite_bench

    def fail():
        bench.engine.cancel(job_ids[0])
        raise Busy("Busy.")

    bench.engine.register("k", lambda ctx: ctx.step("a", fail, retries=5, backoff_s=3600.0))
    job_ids = [bench.put("k")]
    bench.engine.start()
    assert bench.end(job_ids[0]).state is JobState.CANCELLED


def test_cancel_of_another_managers_job_reaches_it(bench, gate):
    def handler(ctx):
        gate()
        while True:
            ctx.check()

    runner = bench.another(lease_ttl_s=0.3)
    runner.register("k", handler)
    runner.start()
    job_id = bench.put("k", engine=runner)
    gate.reached()
    bench.engine.cancel(job_id)
    gate.open()
    assert bench.end(job_id).state is JobState.CANCELLED


def test_job_that_ends_before_it_notices_the_cancel_has_succeeded(bench, gate):
    bench.engine.register("k", lambda ctx: gate())
    bench.engine.start()
    job_id = bench.put("k")
    gate.reached()
    bench.engine.cancel(job_id)
    gate.open()
    assert bench.end(job_id).state is JobState.SUCCEEDED


def test_shutdown_keeps_the_job_and_the_next_start_goes_on(bench, gate):
    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        gate()
        ctx.step("b", bench.note("b"))

    bench.engine.register("k", handler)
    bench.engine.start()
    job_id = bench.put("k", "vm:1")
    gate.reached()
    bench.engine._dispatcher.running()[job_id].flags.stop()
    gate.open()
    assert bench.engine.stop(timeout_s=20)
    job = bench.engine.get(job_id)
    assert (job.state, states(job)) == (JobState.QUEUED, {"a": StepState.DONE})

    other = bench.another()
    other.register("k", handler)
    other.register("noop", lambda ctx: bench.did.append("noop"))
    later = bench.put("noop", "vm:1", engine=other, priority=0)
    other.start()
    assert other.wait(later, timeout_s=20).state is JobState.SUCCEEDED
    # what was begun keeps its resources, so not even an urgent job comes in between
    assert bench.did == ["a", "b", "noop"]


def test_interrupted_job_that_is_cancelled_is_undone_by_the_next_run(bench, gate):
    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        gate()
        ctx.check()

    bench.engine.register("k", handler)
    bench.engine.start()
    job_id = bench.put("k")
    gate.reached()
    bench.engine._dispatcher.running()[job_id].flags.stop()
    gate.open()
    bench.engine.stop(timeout_s=20)
    bench.engine.cancel(job_id)
    assert bench.engine.get(job_id).state is JobState.QUEUED

    other = bench.another()
    other.register("k", handler)
    other.start()
    assert other.wait(job_id, timeout_s=20).state is JobState.CANCELLED
    assert bench.did == ["a", "undo a 1"]


def test_cancel_does_not_wait_for_the_next_try(bench, monkeypatch):
    monkeypatch.setattr("castalia.jobs.run.RETRY_BACKOFF_S", 60.0)

    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        raise Busy("Busy.")

    bench.engine.register("k", handler, retries=1)
    bench.engine.start()
    job_id = bench.put("k")
    while bench.engine.get(job_id).message != "Busy.":
        bench.engine.wait(job_id, timeout_s=0.05)
    assert bench.engine.get(job_id).waiting_for.startswith("its time, ")
    bench.engine.cancel(job_id)
    assert bench.end(job_id).state is JobState.CANCELLED
    assert bench.did == ["a", "undo a 1"]


def test_cancelled_before_its_first_step_a_job_gives_its_resources_back(bench, gate):
    bench.engine.register("k", lambda ctx: (gate(), ctx.check()))
    bench.engine.start()
    job_id = bench.put("k", "vm:1")
    gate.reached()
    bench.engine._dispatcher.running()[job_id].flags.stop()
    gate.open()
    bench.engine.stop(timeout_s=20)
    bench.engine.cancel(job_id)
    assert bench.engine.get(job_id).state is JobState.CANCELLED

    other = bench.another()
    other.register("noop", lambda ctx: None)
    later = bench.put("noop", "vm:1", engine=other)
    other.start()
    assert other.wait(later, timeout_s=20).state is JobState.SUCCEEDED


def test_stop_says_when_a_handler_did_not_leave(sqlite_bench, gate):
    sqlite_bench.engine.register("k", lambda ctx: gate())
    sqlite_bench.engine.start()
    sqlite_bench.put("k")
    gate.reached()
    assert not sqlite_bench.engine.stop(timeout_s=0.01)
    gate.open()


def test_second_manager_on_one_sqlite_database_is_refused(sqlite_database, tmp_path):
    first = JobEngine(sqlite_database, JobSettings(), lock_dir=tmp_path)
    second = JobEngine(sqlite_database, JobSettings(), lock_dir=tmp_path)
    first.start()
    with pytest.raises(Conflict, match="Another manager"):
        second.start()
    first.stop()
    second.start()
    second.stop()


def test_start_on_sqlite_takes_up_at_once_what_was_running(sqlite_database, tmp_path, gate):
    bench = Bench(sqlite_database)
    bench.engine.register("k", lambda ctx: gate())
    bench.engine.start()
    job_id = bench.put("k")
    gate.reached()
    bench.engine._heartbeat.stop()  # the first manager is as good as dead; its lease is not over
    fresh = JobEngine(sqlite_database, JobSettings(lease_ttl_s=3600), lock_dir=tmp_path)
    fresh.register("k", lambda ctx: {"attempt": ctx.attempt})
    fresh.start()
    assert fresh.wait(job_id, timeout_s=20).result == {"attempt": 2}
    gate.open()
    bench.close()
    fresh.stop()
    assert fresh.get(job_id).result == {"attempt": 2}


def test_a_cancel_after_a_final_step_comes_too_late(bench, gate):
    def handler(ctx):
        ctx.step("undefine", bench.note("undefine"), undo=bench.note("redefine"))
        ctx.step("delete disk", gate, final=True)
        ctx.step("forget", bench.note("forget"))

    bench.engine.register("k", handler)
    bench.engine.start()
    job_id = bench.put("k")
    gate.reached()
    bench.engine.cancel(job_id)
    gate.open()
    assert bench.end(job_id).state is JobState.SUCCEEDED
    assert bench.did == ["undefine", "forget"]


def test_a_job_is_run_again_only_once(bench):
    def handler(ctx):
        raise Conflict("no")

    bench.engine.register("k", handler)
    bench.engine.start()
    job_id = bench.put("k")
    bench.end(job_id)
    successor = bench.engine.retry(job_id)
    assert bench.engine.get(job_id).repeated_as == successor
    with pytest.raises(Conflict, match=successor):
        bench.engine.retry(job_id)
    bench.end(successor)
    bench.end(bench.engine.retry(successor))
