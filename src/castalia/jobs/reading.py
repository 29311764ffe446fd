"""Jobs as users see them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from castalia.errors import InvalidRequest, NotFound
from castalia.jobs.claim import Claimant
from castalia.jobs.tables import jobs, log, steps
from castalia.jobs.waiting import reasons
from castalia.model.job import Job, JobLogLine, JobState, JobStep, StepState
from castalia.model.page import Page

_FILTER_COLUMNS = {
    "state": jobs.c.state,
    "kind": jobs.c.kind,
    "target": jobs.c.target,
    "host": jobs.c.host_id,
    "parent": jobs.c.parent_id,
    "user": jobs.c.created_by,
    "code": jobs.c.error_code,
}
_SAME_NAME = ("id", "kind", "title", "target", "target_name", "host_id", "parent_id", "priority")
_SAME_STATE = ("percent", "message", "error_code", "error", "remedy", "cancel_requested")


def get(connection: Connection, job_id: str, *, viewer: Claimant) -> Job:
    """The job with its steps. Raises NotFound."""
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.", code="job.not-found")
    found = connection.execute(
        select(steps).where(steps.c.job_id == job_id).order_by(steps.c.position)
    )
    return _jobs(connection, [row], viewer, steps_of={job_id: tuple(map(_step, found))})[0]


def page(
    connection: Connection,
    *,
    where: Sequence[ColumnElement[bool]],
    limit: int,
    cursor: str,
    viewer: Claimant,
) -> Page[Job]:
    """A part of the list, newest first, without steps."""
    total = connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one()
    after = [jobs.c.id < cursor] if cursor else []
    statement = select(jobs).where(*where, *after).order_by(jobs.c.id.desc()).limit(limit + 1)
    rows = connection.execute(statement).mappings().all()
    items = _jobs(connection, rows[:limit], viewer, steps_of={})
    return Page(items=items, next_cursor=items[-1].id if len(rows) > limit else "", total=total)


def conditions(text: str) -> list[ColumnElement[bool]]:
    """The search language: `state:running host:ID web`; words are looked for in title and target.

    Raises InvalidRequest for a field that jobs do not have.
    """
    found: list[ColumnElement[bool]] = []
    for token in text.split():
        name, colon, value = token.partition(":")
        if not colon:
            columns = (jobs.c.title, jobs.c.target_name, jobs.c.id)
            found.append(or_(*(each.icontains(token, autoescape=True) for each in columns)))
        elif name in _FILTER_COLUMNS:
            found.append(_FILTER_COLUMNS[name] == value)
        else:
            known = ", ".join(_FILTER_COLUMNS)
            remedy = f"Jobs can be searched by {known}."
            raise InvalidRequest(f"Jobs have no field {name}.", field="filter", remedy=remedy)
    return found


def lines(connection: Connection, job_id: str, *, after: int) -> list[JobLogLine]:
    """The job's log from the line behind number `after` on."""
    statement = (
        select(log).where(log.c.job_id == job_id, log.c.number > after).order_by(log.c.number)
    )
    return [
        JobLogLine(number=row.number, at=_moment(row.at), level=row.level, text=row.text)
        for row in connection.execute(statement)
    ]


def _jobs(
    connection: Connection,
    rows: Sequence[Any],
    viewer: Claimant,
    *,
    steps_of: dict[str, tuple[JobStep, ...]],
) -> list[Job]:
    queued = [row for row in rows if row["state"] == JobState.QUEUED]
    waiting = reasons(connection, queued, viewer=viewer) if queued else {}
    return [
        Job(
            state=JobState(row["state"]),
            args=json.loads(row["args"]),
            result=json.loads(row["result"]),
            waiting_for=waiting.get(row["id"], ""),
            created_by=row["created_by"],
            repeated_as=row["repeated_as"],
            created_at=_moment(row["created_at"]),
            started_at=_maybe(row["started_at"]),
            finished_at=_maybe(row["finished_at"]),
            steps=steps_of.get(row["id"], ()),
            **{name: row[name] for name in (*_SAME_NAME, *_SAME_STATE)},
        )
        for row in rows
    ]


def _step(row: Any) -> JobStep:
    return JobStep(
        name=row.name,
        position=row.position,
        state=StepState(row.state),
        attempts=row.attempts,
        started_at=_maybe(row.started_at),
        finished_at=_maybe(row.finished_at),
        error=row.error,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
