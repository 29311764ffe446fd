"""Going on after a crash. Here a crash is played; tests/chaos kills real processes."""

import pytest

from castalia.errors import StorageError
from castalia.jobs import queue
from castalia.jobs.claim import requeue_all
from castalia.jobs.signals import LeaseLost
from castalia.jobs.tables import jobs
from castalia.model.job import JobState, StepState

from .conftest import states

FULL = StorageError("The repository is full.")


def die(bench):
    """Ends a run as a killed process does: nothing more is written, and the next manager finds the
    job in the queue."""
    with bench.database.write() as connection:
        requeue_all(connection)
    raise LeaseLost


@pytest.fixture
def crash(bench):
    """Crashes at the named places, each once."""
    places = set()

    def maybe(place):
        if place in places:
            places.remove(place)
            die(bench)

    maybe.at = places.update
    return maybe


def make(bench, crash, *, fails=False):
    def effect(name):
        def fn():
            bench.did.append(name)
            crash(name)
            return name.upper()

        return fn

    def undo(name):
        def fn(result):
            bench.did.append(f"undo {name} {result}")
            crash(f"undo {name}")

        return fn

    def handler(ctx):
        ctx.step("a", effect("a"), undo=undo("a"))
        crash("between")
        ctx.step("b", effect("b"), undo=undo("b"))
        ctx.step("check", effect("check"))
        if fails:
            raise FULL

    bench.engine.register("k", handler)
    bench.engine.start()
    return bench.run("k", "vm:1")


def test_done_steps_are_not_run_again_and_the_interrupted_one_is(bench, crash):
    crash.at({"b"})
    job = make(bench, crash)
    assert bench.did == ["a", "b", "b", "check"]
    assert job.state is JobState.SUCCEEDED
    assert [step.attempts for step in job.steps] == [1, 2, 1]


def test_crash_between_steps_repeats_nothing(bench, crash):
    crash.at({"between"})
    make(bench, crash)
    assert bench.did == ["a", "b", "check"]


def test_undo_goes_on_where_it_was_interrupted(bench, crash):
    crash.at({"undo a", "undo b"})
    job = make(bench, crash, fails=True)
    assert bench.did == ["a", "b", "check", *["undo b B"] * 2, *["undo a A"] * 2]
    assert (job.state, job.error) == (JobState.FAILED, "The repository is full.")
    assert states(job) == {
        "a": StepState.UNDONE,
        "b": StepState.UNDONE,
        "check": StepState.DONE,
    }


def test_undo_that_cannot_be_learned_any_more_is_said(bench, crash):
    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        if ctx.attempt == 2:
            raise FULL
        ctx.step("b", lambda: crash("b"), undo=bench.note("undo b"))

    crash.at({"b"})
    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert (job.state, bench.did) == (JobState.FAILED, ["a", "undo a 1"])
    assert states(job)["b"] is StepState.UNDO_FAILED
    assert "b: its undo was not found." in [line.text for line in bench.engine.log(job.id)]


def test_run_that_fails_early_repeats_the_handler_to_learn_every_undo(bench, crash):
    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        if "seen" not in bench.did and ctx.attempt == 2:
            bench.did.append("seen")
            raise FULL
        ctx.step("b", lambda: crash("b"), undo=bench.note("undo b"))

    crash.at({"b"})
    bench.engine.register("k", handler)
    bench.engine.start()
    assert bench.run("k").state is JobState.FAILED
    assert bench.did == ["a", "seen", "undo b None", "undo a 1"]


def test_cancelled_after_a_crash_the_interrupted_step_is_undone(bench, crash):
    def handler(ctx):
        ctx.check()
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        ctx.check()
        ctx.step("b", cancel_and_crash, undo=bench.note("undo b"))

    def cancel_and_crash():
        with bench.database.write() as connection:
            queue.cancel(connection, job_id, origin="")
        die(bench)

    bench.engine.register("k", handler)
    job_id = bench.put("k")
    bench.engine.start()
    job = bench.end(job_id)
    assert job.state is JobState.CANCELLED
    assert bench.did == ["a", "undo b None", "undo a 1"]


def test_cancelled_after_a_crash_in_a_final_step_the_job_goes_to_its_end(bench):
    """The disk may be gone: giving back the rest would give back a ruin."""

    def handler(ctx):
        ctx.step("undefine", bench.note("undefine"), undo=bench.note("redefine"))
        ctx.step("delete", delete, final=True)
        ctx.step("forget", bench.note("forget"))

    def delete():
        bench.did.append("delete")
        if bench.did.count("delete") == 1:
            with bench.database.write() as connection:
                queue.cancel(connection, job_id, origin="")
            die(bench)

    bench.engine.register("k", handler)
    job_id = bench.put("k")
    bench.engine.start()
    assert bench.end(job_id).state is JobState.SUCCEEDED
    assert bench.did == ["undefine", "delete", "delete", "forget"]


def test_job_that_kills_its_manager_every_time_is_undone(bench):
    def handler(ctx):
        ctx.step("a", bench.note("a", 1), undo=bench.note("undo a"))
        ctx.step("b", kill, undo=bench.note("undo b"))

    def kill():
        bench.did.append("b")
        die(bench)

    bench.engine.register("k", handler)
    bench.engine.start()
    job = bench.run("k")
    assert (job.state, job.error_code) == (JobState.FAILED, "job.crashed")
    assert bench.did == ["a", *["b"] * 5, "undo b None", "undo a 1"]


def test_job_that_kills_its_manager_even_while_undone_is_given_up(bench):
    def kill(*_):
        bench.did.append("kill")
        die(bench)

    bench.engine.register("k", lambda ctx: ctx.step("a", kill, undo=kill))
    bench.engine.register("noop", lambda ctx: None)
    bench.engine.start()
    job = bench.run("k", "vm:1")
    assert (job.state, job.error_code) == (JobState.FAILED, "job.dead")
    assert bench.engine.list(filter="code:job.dead").total == 1
    assert len(bench.did) == 10
    assert bench.run("noop", "vm:1").state is JobState.SUCCEEDED


def test_run_that_lost_its_lease_writes_nothing_more(bench, gate):
    def handler(ctx):
        if ctx.attempt == 1:
            ctx.step("a", gate)
            bench.did.append("after the loss")
        ctx.step("a", lambda: None)
        return {"attempt": ctx.attempt}

    bench.engine.register("k", handler)
    job_id = bench.put("k")
    bench.engine.start()
    gate.reached()
    with bench.database.write() as connection:
        requeue_all(connection)
    other = bench.another()
    other.register("k", handler)
    other.start()
    assert other.wait(job_id, timeout_s=20).result == {"attempt": 2}
    gate.open()
    bench.engine.stop(timeout_s=20)
    assert bench.did == []
    assert other.get(job_id).result == {"attempt": 2}
    assert other.get(job_id).steps[0].attempts == 2


def test_heartbeat_tells_a_run_that_it_lost_its_lease(bench, gate):
    seen = []

    def handler(ctx):
        gate()
        try:
            ctx.check()
        except LeaseLost:
            seen.append("lost")
            raise

    bench.engine.register("k", handler)
    bench.put("k")
    bench.engine.start()
    gate.reached()
    with bench.database.write() as connection:
        requeue_all(connection)
    bench.engine._dispatcher._stopping = True  # it must not take the job back
    bench.engine._heartbeat.beat()
    gate.open()
    bench.engine.stop(timeout_s=20)
    assert seen == ["lost"]


def test_expired_lease_is_taken_over_and_a_live_one_is_not(bench, gate):
    bench.engine.register("k", lambda ctx: gate())
    job_id = bench.put("k")
    bench.engine.start()
    gate.reached()
    other = bench.another()
    other.register("k", lambda ctx: {"attempt": ctx.attempt})
    other.register("noop", lambda ctx: None)
    other.start()
    assert other.wait(bench.put("noop", engine=other), timeout_s=20).state is JobState.SUCCEEDED
    assert other.get(job_id).state is JobState.RUNNING
    bench.engine._heartbeat.stop()
    expire(bench, job_id)
    other.wake()
    assert other.wait(job_id, timeout_s=20).result == {"attempt": 2}


def test_manager_does_not_take_over_what_it_runs_itself(bench, gate):
    """After its process was stopped for a while, its own leases look as if it were dead."""
    bench.engine.register("k", lambda ctx: gate() or {"attempt": ctx.attempt})
    bench.engine.register("noop", lambda ctx: None)
    job_id = bench.put("k")
    bench.engine.start()
    gate.reached()
    expire(bench, job_id)
    bench.run("noop")
    gate.open()
    assert bench.end(job_id).result == {"attempt": 1}


def expire(bench, job_id):
    """Lets the job's lease be over."""
    with bench.database.write() as connection:
        connection.execute(jobs.update().where(jobs.c.id == job_id).values(lease_until=1.0))


def test_manager_does_not_run_twice_what_still_hangs_in_it(bench, gate):
    inside = []

    def handler(ctx):
        inside.append(ctx.attempt)
        gate()
        ctx.step("a", bench.note(f"a of {ctx.attempt}"))
        inside.remove(ctx.attempt)

    bench.engine.register("k", handler)
    bench.engine.register("noop", lambda ctx: None)
    job_id = bench.put("k")
    bench.engine.start()
    gate.reached()
    with bench.database.write() as connection:
        requeue_all(connection)
    bench.run("noop")
    assert inside == [1]
    gate.open()
    assert bench.end(job_id).state is JobState.SUCCEEDED
    assert bench.did == ["a of 2"]
