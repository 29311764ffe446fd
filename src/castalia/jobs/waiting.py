"""Says in words why a job has not started yet."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from castalia.jobs.claim import Claimant, Usage, usage
from castalia.jobs.database import clock
from castalia.jobs.tables import jobs, resources


def reasons(
    connection: Connection,
    queued: Sequence[Mapping[str, Any]],
    *,
    viewer: Claimant,
) -> dict[str, str]:
    """Why each of these queued jobs waits, by id."""
    seen = usage(connection, starving_after_s=viewer.starving_after_s)
    ids = [row["id"] for row in queued]
    wanted: dict[str, list[Any]] = {job_id: [] for job_id in ids}
    for row in connection.execute(select(resources).where(resources.c.job_id.in_(ids))):
        wanted[row.job_id].append(row)
    holders = _holders(connection, [row.name for rows in wanted.values() for row in rows])
    now: float = connection.execute(select(clock(connection))).scalar_one()
    return {
        row["id"]: _own_reason(row, now=now, viewer=viewer)
        or _resource_reason(row, wanted[row["id"]], seen, holders)
        or "a free worker"
        for row in queued
    }


def _own_reason(row: Mapping[str, Any], *, now: float, viewer: Claimant) -> str:
    if (row["kind"], row["version"]) not in viewer.kinds:
        return f"a manager that knows {row['kind']} version {row['version']}"
    if row["not_before"] > now:
        at = datetime.fromtimestamp(row["not_before"], UTC)
        return f"its time, {at:%Y-%m-%d %H:%M:%S} UTC"
    return ""


def _resource_reason(
    row: Mapping[str, Any], wanted: list[Any], seen: Usage, holders: dict[str, list[str]]
) -> str:
    if row["holding"]:
        return ""
    for need in wanted:
        if seen.room(need.name, need.max_holders, job_id=row["id"], rank=row["rank"]):
            continue
        what = need.label or need.name
        titles = holders.get(need.name, [])
        if seen.holders[need.name] < min(need.max_holders, seen.tightest.get(need.name, 1)):
            return f"{what}, reserved by a job that has waited longer"
        return f"{what}, in use{_by(titles)}"
    return ""


def _by(titles: list[str]) -> str:
    if not titles:  # its holder has just ended
        return ""
    if len(titles) == 1:
        return f" by “{titles[0]}”"
    return f" by {len(titles)} jobs, “{titles[0]}” among them"


def _holders(connection: Connection, names: Collection[str]) -> dict[str, list[str]]:
    statement = (
        select(resources.c.name, jobs.c.title)
        .join(jobs, jobs.c.id == resources.c.job_id)
        .where(resources.c.held.is_(True), resources.c.name.in_(set(names)))
        .order_by(jobs.c.id)
    )
    found: dict[str, list[str]] = {}
    for name, title in connection.execute(statement):
        found.setdefault(name, []).append(title)
    return found
