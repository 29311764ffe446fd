"""Schedules, lists, retention."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from castalia.errors import InvalidRequest
from castalia.jobs.request import JobRequest, Resource
from castalia.jobs.retention import Retention
from castalia.jobs.schedule import following
from castalia.jobs.tables import jobs, log, resources, schedules, steps
from castalia.model.job import JobState

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC).timestamp()


def due(bench, name):
    """Makes a schedule's turn come now, and takes it."""
    with bench.database.write() as connection:
        connection.execute(schedules.update().where(schedules.c.name == name).values(next_at=NOON))
    bench.engine._scheduler.tick()


def noop(bench):
    bench.engine.register("noop", lambda ctx: bench.did.append(ctx.args.get("name", "")))


def test_due_schedule_enqueues_one_job_and_knows_it(bench):
    noop(bench)
    request = JobRequest(
        kind="noop", title="t", args={"name": "x"}, resources=(Resource(name="r"),)
    )
    bench.engine.schedule("nightly", cron="*/5 * * * *", request=request)
    bench.engine._scheduler.tick()
    assert bench.engine.list().total == 0
    due(bench, "nightly")
    bench.engine._scheduler.tick()
    assert bench.engine.list().total == 1
    entry = bench.engine.schedules()[0]
    assert entry.next_at > datetime.now(UTC) >= entry.last_at
    bench.engine.start()
    bench.end(entry.last_job_id)
    assert bench.did == ["x"]


def test_factory_makes_each_turns_request(bench):
    noop(bench)
    count = iter(range(9))
    bench.engine.schedule(
        "f",
        cron="0 3 * * *",
        request=lambda: JobRequest(kind="noop", title=f"turn {next(count)}"),
    )
    due(bench, "f")
    due(bench, "f")
    assert {job.title for job in bench.engine.list().items} == {"turn 0", "turn 1"}


def test_factory_of_another_program_is_left_to_it(bench):
    noop(bench)
    bench.engine.schedule("f", cron="0 3 * * *", request=lambda: JobRequest(kind="noop", title="t"))
    other = bench.another()
    with bench.database.write() as connection:
        connection.execute(schedules.update().values(next_at=NOON))
    other._scheduler.tick()
    assert bench.engine.list().total == 0
    bench.engine._scheduler.tick()
    assert bench.engine.list().total == 1


def test_rescheduling_keeps_the_turn_unless_the_expression_changed(bench):
    noop(bench)
    request = JobRequest(kind="noop", title="t")
    bench.engine.schedule("s", cron="0 3 * * *", request=request)
    with bench.database.write() as connection:
        connection.execute(schedules.update().values(next_at=NOON))
    bench.engine.schedule("s", cron="0 3 * * *", request=request)
    assert bench.engine.schedules()[0].next_at.timestamp() == NOON
    bench.engine.schedule("s", cron="0 4 * * *", request=request)
    assert bench.engine.schedules()[0].next_at.timestamp() > NOON
    bench.engine.unschedule("s")
    assert list(bench.engine.schedules()) == []


@pytest.mark.parametrize(
    ("cron", "timezone", "field"),
    [
        ("nonsense", "UTC", "cron"),
        ("99 * * * *", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("* * * * *", "Mars/Base", "timezone"),
        ("* * * * *", "../etc/passwd", "timezone"),
    ],
)
def test_unusable_schedule_is_refused_with_its_field(sqlite_bench, cron, timezone, field):
    noop(sqlite_bench)
    with pytest.raises(InvalidRequest) as caught:
        sqlite_bench.engine.schedule(
            "s", cron=cron, timezone=timezone, request=JobRequest(kind="noop", title="t")
        )
    assert caught.value.field == field


def test_turns_follow_the_named_time_zone():
    assert following("0 13 * * *", "UTC", after=NOON) == NOON + 3600
    assert following("0 13 * * *", "Europe/Berlin", after=NOON) == NOON + 86400


@given(st.floats(min_value=0, max_value=4e9))
def test_a_turn_is_always_in_the_future(after):
    assert after < following("*/5 * * * *", "Europe/Berlin", after=after) <= after + 86400


def test_list_is_paged_newest_first(bench):
    noop(bench)
    ids = [bench.put("noop", title=f"job {n}", delay_s=60) for n in range(5)]
    first = bench.engine.list(limit=2)
    second = bench.engine.list(limit=2, cursor=first.next_cursor)
    third = bench.engine.list(limit=2, cursor=second.next_cursor)
    found = [job.id for page in (first, second, third) for job in page.items]
    assert found == sorted(ids, reverse=True)
    assert (first.total, third.next_cursor) == (5, "")


def test_list_is_searched(bench):
    noop(bench)
    a = bench.put("noop", title="Clone web1", target="vm:1", created_by="alice", delay_s=60)
    b = bench.put("noop", title="Start 100%", target_name="db", host_id="h1", delay_s=60)
    bench.engine.cancel(b)

    def ids(text, **values):
        return {job.id for job in bench.engine.list(filter=text, **values).items}

    assert ids("WEB1") == ids("user:alice") == ids("", target="vm:1") == ids("state:queued") == {a}
    assert ids("db") == ids("host:h1 state:cancelled") == ids("100%") == {b}
    assert ids("", state=JobState.CANCELLED) == {b}
    assert ids("x%b") == ids("user:bob") == ids("", parent_id="x") == set()
    with pytest.raises(InvalidRequest, match="no field colour"):
        ids("colour:red")


def test_old_finished_jobs_are_forgotten_with_all_that_is_theirs(bench, monkeypatch):
    monkeypatch.setattr("castalia.jobs.retention._BATCH", 2)

    def handler(ctx):
        ctx.log("x")
        ctx.step("a", lambda: None)

    bench.engine.register("k", handler)
    waiting = bench.put("k", "vm:1", delay_s=3600)
    bench.engine.start()
    for _ in range(5):
        bench.run("k", "vm:2")
    kept = bench.run("k")
    with bench.database.write() as connection:
        connection.execute(
            jobs.update().where(jobs.c.id.not_in([waiting, kept.id])).values(finished_at=1.0)
        )
        connection.execute(jobs.update().where(jobs.c.id == waiting).values(created_at=1.0))
    retention = Retention(bench.database, retention_days=30, kinds=lambda: [("k", 1)])
    for _ in range(3):
        retention.tick()
    assert {job.id for job in bench.engine.list().items} == {waiting, kept.id}
    with bench.database.read() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (steps, log, resources)
        ]
    assert counts == [1, 1, 1]


def test_job_that_no_manager_knows_any_more_is_buried_after_a_day(bench):
    noop(bench)
    old, new = bench.put("noop", "vm:1"), bench.put("noop")
    with bench.database.write() as connection:
        connection.execute(jobs.update().where(jobs.c.id == old).values(not_before=1.0))
        connection.execute(resources.update().values(held=True))
    retention = Retention(bench.database, retention_days=30, kinds=lambda: [("other", 1)])
    retention.tick()
    buried = bench.engine.get(old)
    assert (buried.state, buried.error_code) == (JobState.FAILED, "job.unknown-kind")
    assert bench.engine.get(new).state is JobState.QUEUED
    with bench.database.read() as connection:
        held = select(func.count()).where(resources.c.held.is_(True))
        assert connection.execute(held).scalar_one() == 0
