"""Enqueueing, order, dedup, delay, cancel and retry of jobs that wait."""

import pytest
from sqlalchemy import select

from castalia.errors import Conflict, NotFound
from castalia.jobs.request import JobRequest, Resource, from_json, to_json
from castalia.jobs.tables import jobs, resources
from castalia.model.job import JobState


def quiet(bench, *kinds):
    for kind in kinds:
        bench.engine.register(kind, lambda ctx: bench.did.append(ctx.args.get("name", "")))


def test_job_runs_with_its_arguments_and_gives_its_result(bench):
    bench.engine.register("greet", lambda ctx: {"hello": ctx.args["name"]})
    bench.engine.start()
    job = bench.run("greet", args={"name": "web1"}, target="vm:1", created_by="alice")
    assert job.state is JobState.SUCCEEDED
    assert job.result == {"hello": "web1"}
    assert (job.percent, job.target, job.created_by) == (100, "vm:1", "alice")
    assert job.created_at <= job.started_at <= job.finished_at


def test_rolled_back_enqueue_leaves_no_job_and_says_nothing(bench):
    quiet(bench, "noop")
    bench.engine.start()
    with bench.database.write() as connection:
        bench.engine.enqueue(connection, JobRequest(kind="noop", title="never"))
        connection.rollback()
    bench.run("noop")
    assert bench.engine.list().total == 1
    assert {job.title for job in bench.changes} == {"noop"}


def test_unknown_kind_is_a_mistake_of_the_program(sqlite_bench):
    with pytest.raises(ValueError, match="not registered"):
        sqlite_bench.put("nothing")


def test_the_same_kind_twice_is_a_mistake_of_the_program(sqlite_bench):
    quiet(sqlite_bench, "noop")
    with pytest.raises(ValueError, match="twice"):
        quiet(sqlite_bench, "noop")


def test_smaller_priority_goes_first_then_the_older(bench):
    bench.engine.register("name", lambda ctx: bench.did.append(ctx.args["name"]))
    one = (Resource(name="one"),)
    for name, priority in (("a", 50), ("b", 50), ("c", 10), ("d", 90)):
        bench.put("name", args={"name": name}, priority=priority, resources=one)
    last = bench.engine.list(limit=4).items[0].id
    bench.engine.start()
    bench.end(last)
    assert bench.did == ["c", "a", "b", "d"]


def test_same_dedup_of_an_unfinished_job_is_the_same_job(bench):
    quiet(bench, "noop")
    first = bench.put("noop", dedup="nightly")
    assert bench.put("noop", dedup="nightly") == first
    assert bench.put("noop", dedup="other") != first
    assert bench.put("noop") != bench.put("noop")
    bench.engine.start()
    bench.end(first)
    assert bench.put("noop", dedup="nightly") != first


def test_delayed_job_waits_for_its_time(bench):
    quiet(bench, "noop")
    delayed = bench.put("noop", delay_s=3600.0)
    bench.engine.start()
    bench.run("noop")
    job = bench.engine.get(delayed)
    assert job.state is JobState.QUEUED
    assert job.waiting_for.startswith("its time, ")


def test_cancelling_a_waiting_job_ends_it_at_once(bench):
    quiet(bench, "noop")
    job_id = bench.put("noop", "vm:1")
    bench.engine.cancel(job_id)
    job = bench.engine.get(job_id)
    assert (job.state, job.cancel_requested) == (JobState.CANCELLED, True)
    assert job.finished_at
    assert bench.changes[-1].state is JobState.CANCELLED
    bench.engine.start()
    bench.run("noop", "vm:1")
    assert len(bench.did) == 1


def test_cancelling_a_parent_cancels_its_children(bench):
    quiet(bench, "noop")
    parent = bench.put("noop", delay_s=60)
    child = bench.put("noop", parent_id=parent, delay_s=60)
    stranger = bench.put("noop", delay_s=60)
    bench.engine.cancel(parent)
    assert bench.engine.get(child).state is JobState.CANCELLED
    assert bench.engine.get(stranger).state is JobState.QUEUED


def test_cancelling_what_is_over_or_unknown_is_refused(bench):
    quiet(bench, "noop")
    bench.engine.start()
    job = bench.run("noop")
    with pytest.raises(Conflict, match="succeeded already"):
        bench.engine.cancel(job.id)
    with pytest.raises(NotFound):
        bench.engine.cancel("nothing")


def test_retry_makes_a_new_job_with_the_same_request(bench):
    quiet(bench, "noop")
    wanted = (Resource(name="host:h1", limit=4, label="host h1"),)
    first = bench.put(
        "noop", args={"name": "x"}, resources=wanted, priority=7, target="vm:1", delay_s=60
    )
    bench.engine.cancel(first)
    second = bench.engine.retry(first)
    assert second != first
    bench.engine.start()
    job = bench.end(second)
    assert (job.priority, job.target, bench.did) == (7, "vm:1", ["x"])
    with bench.database.read() as connection:
        rows = connection.execute(select(resources).where(resources.c.job_id == second)).all()
    assert [(r.name, r.max_holders, r.label, r.held) for r in rows] == [
        ("host:h1", 4, "host h1", False)
    ]


def test_retry_of_what_did_not_fail_is_refused(bench):
    quiet(bench, "noop")
    waiting = bench.put("noop", delay_s=60)
    with pytest.raises(Conflict, match="only a failed or cancelled"):
        bench.engine.retry(waiting)
    with pytest.raises(NotFound):
        bench.engine.retry("nothing")


def test_an_old_version_is_run_by_its_old_handler(bench):
    bench.engine.register("move", lambda ctx: {"by": "old"}, version=1)
    old = bench.put("move")
    bench.engine.register("move", lambda ctx: {"by": "new"}, version=2)
    new = bench.put("move")
    bench.engine.start()
    assert bench.end(old).result == {"by": "old"}
    assert bench.end(new).result == {"by": "new"}


def test_a_kind_that_nobody_knows_waits_and_says_so(bench):
    quiet(bench, "noop")
    job_id = bench.put("noop")
    other = bench.another()
    other.register("else", lambda ctx: None)
    other.start()
    other.wait(bench.put("else", engine=other), timeout_s=20)
    assert other.get(job_id).waiting_for == "a manager that knows noop version 1"


def test_request_survives_being_written_down():
    request = JobRequest(
        kind="k", title="t", args={"a": [1]}, resources=(Resource(name="r", limit=2),), priority=3
    )
    assert from_json(to_json(request)) == request


def test_resource_that_nobody_could_hold_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        Resource(name="vm:1", limit=0)


def test_deleting_a_job_deletes_all_of_it(bench):
    quiet(bench, "noop")
    job_id = bench.put("noop", "vm:1")
    with bench.database.write() as connection:
        connection.execute(jobs.delete().where(jobs.c.id == job_id))
        assert connection.execute(select(resources)).all() == []
