"""Puts jobs into the queue, and takes the waiting ones out again.

The order is by rank: the time from which a job may start, moved by one minute per point of
priority. So an urgent job overtakes what has waited for less than the difference, and no job waits
forever behind a stream of more urgent ones.
"""

import json
from typing import Any

from sqlalchemy import Connection, exists, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from castalia.errors import Conflict
from castalia.jobs.database import clock, is_postgresql, lock, notify
from castalia.jobs.request import JobRequest, Resource
from castalia.jobs.tables import jobs, resources, steps
from castalia.model.ids import new_id
from castalia.model.job import JobState

RANK_S_PER_PRIORITY = 60.0


def put(connection: Connection, request: JobRequest, *, version: int, origin: str) -> str:
    """Adds a job in the caller's transaction; returns its id, or that of the unfinished job with
    the same dedup. `origin` is the manager that asks, here and below."""
    while True:
        job_id = new_id()
        if _insert(connection, request, job_id=job_id, version=version):
            _insert_resources(connection, job_id, request.resources)
            notify(connection, "wake", origin=origin)
            return job_id
        # It may have finished between the two statements; then ours is made after all.
        if existing := _unfinished(connection, request.dedup):
            return existing


def _insert(connection: Connection, request: JobRequest, *, job_id: str, version: int) -> bool:
    now = clock(connection)
    not_before = now + literal(request.delay_s)
    dialect: Any = postgresql if is_postgresql(connection) else sqlite
    statement = (
        dialect.insert(jobs)
        .values(
            id=job_id,
            version=version,
            state=JobState.QUEUED.value,
            args=json.dumps(request.args),
            created_at=now,
            not_before=not_before,
            rank=not_before + literal(request.priority * RANK_S_PER_PRIORITY),
            **_plain_columns(request),
        )
        .on_conflict_do_nothing()
        .returning(jobs.c.id)
    )
    return connection.execute(statement).first() is not None


def _plain_columns(request: JobRequest) -> dict[str, Any]:
    names = ("kind", "title", "target", "target_name", "host_id", "parent_id", "priority")
    return {name: getattr(request, name) for name in (*names, "dedup", "created_by")}


def _insert_resources(connection: Connection, job_id: str, wanted: tuple[Resource, ...]) -> None:
    rows = [
        {"job_id": job_id, "name": each.name, "max_holders": each.limit, "label": each.label}
        for each in wanted
    ]
    if rows:
        connection.execute(insert(resources), rows)


def _unfinished(connection: Connection, dedup: str) -> str | None:
    statement = select(jobs.c.id).where(jobs.c.dedup == dedup, jobs.c.finished_at.is_(None))
    return connection.execute(statement).scalar()


def cancel(connection: Connection, job_id: str, *, origin: str) -> list[str]:
    """Ends a job and its children that have not begun, and asks the others to stop; returns the
    ids of those that were unfinished."""
    family = or_(jobs.c.id == job_id, jobs.c.parent_id == job_id)
    lock(connection, list(connection.execute(select(jobs.c.id).where(family)).scalars()))
    unfinished = update(jobs).where(family, jobs.c.finished_at.is_(None))
    asked = unfinished.values(cancel_requested=True).returning(jobs.c.id)
    ids = list(connection.execute(asked).scalars())
    # A job that was interrupted waits in the queue too, but it has something to undo.
    untouched = ~exists().where(steps.c.job_id == jobs.c.id)
    ended = connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(ids), jobs.c.state == JobState.QUEUED, untouched)
        .values(
            state=JobState.CANCELLED.value,
            finished_at=clock(connection),
            holding=False,
        )
        .returning(jobs.c.id)
    )
    free(connection, list(ended.scalars()))
    _hurry(connection, ids)
    notify(connection, "cancel", origin=origin)
    return ids


def free(connection: Connection, ids: list[str]) -> None:
    """The resources of these jobs are free for others."""
    if ids:
        connection.execute(update(resources).where(resources.c.job_id.in_(ids)).values(held=False))


def _hurry(connection: Connection, ids: list[str]) -> None:
    """A cancelled job that waits for its next try is undone now, not later."""
    waiting = (jobs.c.id.in_(ids), jobs.c.state == JobState.QUEUED)
    connection.execute(update(jobs).where(*waiting).values(not_before=clock(connection)))


def request_of(connection: Connection, job_id: str) -> JobRequest | None:
    """The request that a job was made from, without its delay; None when there is no such job."""
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
    if row is None:
        return None
    wanted = connection.execute(select(resources).where(resources.c.job_id == job_id))
    names = ("kind", "title", "target", "target_name", "host_id", "parent_id", "priority")
    return JobRequest(
        args=json.loads(row["args"]),
        resources=tuple(
            Resource(name=each.name, limit=each.max_holders, label=each.label) for each in wanted
        ),
        **{name: row[name] for name in (*names, "dedup", "created_by")},
    )


def repeat(connection: Connection, job_id: str, *, version: int, origin: str) -> str | None:
    """Enqueues a failed or cancelled job once more; None when there is no such job.

    Raises Conflict when it is unfinished, has succeeded, or was run again already: what its
    successor has made would be taken for its own, and undone.
    """
    request = request_of(connection, job_id)
    if request is None:
        return None
    columns = select(jobs.c.state, jobs.c.repeated_as).where(jobs.c.id == job_id)
    state, successor = connection.execute(columns).one()
    if state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict(
            f"The job is {state}; only a failed or cancelled job can be run again.",
            code="job.not-retryable",
            remedy="Wait until it has finished.",
        )
    if successor:
        raise _repeated(successor)
    new_id = put(connection, request, version=version, origin=origin)
    mine = update(jobs).where(jobs.c.id == job_id, jobs.c.repeated_as == "")
    if not connection.execute(mine.values(repeated_as=new_id)).rowcount:
        raise _repeated("another one")
    return new_id


def _repeated(successor: str) -> Conflict:
    return Conflict(
        f"The job was run again already, as {successor}.",
        code="job.not-retryable",
        remedy="Look at that one; if it failed, run it again.",
    )
