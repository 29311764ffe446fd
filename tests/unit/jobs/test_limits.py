"""Resources: limits, what a waiting job says, and that nobody starves."""

import threading

from castalia.jobs.request import Resource
from castalia.model.job import JobState

HOST = Resource(name="host:h1", limit=2, label="host h1")


def gated(bench, gate):
    bench.engine.register("gated", lambda ctx: gate())
    bench.engine.register("noop", lambda ctx: bench.did.append(ctx.args.get("name", "")))


def test_limit_is_never_exceeded(bench):
    lock, now, most = threading.Lock(), [0], [0]

    def handler(ctx):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        ctx.step("a", lambda: None)
        with lock:
            now[0] -= 1

    bench.engine.register("k", handler)
    ids = [bench.put("k", resources=(HOST,)) for _ in range(30)]
    bench.engine.start()
    assert {bench.end(each).state for each in ids} == {JobState.SUCCEEDED}
    assert 1 <= most[0] <= 2


def test_the_smallest_limit_among_holders_counts(bench, gate):
    gated(bench, gate)
    bench.put("gated", resources=(Resource(name="host:h1", limit=1),))
    bench.engine.start()
    gate.reached()
    other = bench.put("noop", resources=(Resource(name="host:h1", limit=8),))
    bench.run("noop")
    assert bench.engine.get(other).state is JobState.QUEUED
    gate.open()
    assert bench.end(other).state is JobState.SUCCEEDED


def test_waiting_job_says_what_it_waits_for(bench, gate):
    gated(bench, gate)
    bench.put("gated", resources=(HOST,), title="Clone web1")
    bench.engine.start()
    gate.reached()
    waits = bench.put("noop", resources=(Resource(name="host:h1", label="host h1"),))
    bench.run("noop")
    expected = "host h1, in use by “Clone web1”"
    assert bench.engine.get(waits).waiting_for == expected
    assert bench.engine.list(state=JobState.QUEUED).items[0].waiting_for == expected


def test_waiting_for_a_worker_is_said(sqlite_database, gate):
    from .conftest import Bench

    bench = Bench(sqlite_database, workers=1)
    gated(bench, gate)
    bench.put("gated")
    bench.engine.start()
    gate.reached()
    assert bench.engine.get(bench.put("noop")).waiting_for == "a free worker"
    gate.open()
    bench.close()


def test_jobs_behind_a_full_host_are_not_held_up(bench, gate):
    gated(bench, gate)
    bench.put("gated", "host:h1")
    bench.engine.start()
    gate.reached()
    for _ in range(100):
        bench.put("noop", "host:h1", args={"name": "h1"})
    last = bench.put("noop", "host:h2", args={"name": "h2"})
    bench.end(last)
    assert bench.did == ["h2"]


def test_job_that_needs_two_resources_does_not_starve(bench, gate):
    """Two streams of jobs, each on its own resource, never leave both free at once. The job that
    wants both reserves them, so the streams' next jobs have to wait for it."""
    engine = bench.another(starving_after_s=0.0)
    second = threading.Event()
    engine.register("a", lambda ctx: gate())
    engine.register("b", lambda ctx: second.wait(20))
    engine.register("noop", lambda ctx: bench.did.append(ctx.args["name"]))
    bench.engine.register("noop", lambda ctx: None)

    def put(kind, *names, **values):
        return bench.put(kind, *names, engine=engine, **values)

    put("a", "A")
    put("b", "B")
    engine.start()
    gate.reached()
    both = put("noop", "A", "B", args={"name": "both"})
    late = put("noop", "A", args={"name": "late"})
    urgent = put("noop", "A", args={"name": "urgent"}, priority=1)
    gate.open()
    assert engine.wait(urgent, timeout_s=20).state is JobState.SUCCEEDED
    # A is free now, and the one behind must leave it to the one that waits for B as well
    assert engine.wait(put("noop", args={"name": "free"}), timeout_s=20).state.finished
    waiting = engine.get(late)
    assert waiting.state is JobState.QUEUED
    assert waiting.waiting_for == "A, reserved by a job that has waited longer"
    second.set()
    assert engine.wait(late, timeout_s=20).state is JobState.SUCCEEDED
    assert engine.get(both).state is JobState.SUCCEEDED
    assert bench.did == ["urgent", "free", "both", "late"]


def test_a_reservation_leaves_the_other_places_alone(bench, gate):
    engine = bench.another(starving_after_s=0.0)
    engine.register("a", lambda ctx: gate())
    engine.register("noop", lambda ctx: None)
    four = Resource(name="host:h1", limit=4)
    bench.put("a", "B", engine=engine)
    engine.start()
    gate.reached()
    bench.put("noop", resources=(four, Resource(name="B")), engine=engine)
    through = bench.put("noop", resources=(four,), engine=engine)
    assert engine.wait(through, timeout_s=20).state is JobState.SUCCEEDED
