"""Decides which waiting jobs may start, and makes this manager their owner.

Jobs start in the order of their rank, those skipped whose resources are all in use. That alone
would starve a job that needs two scarce resources, as they are rarely free at the same moment. So
the first few jobs that need several and have waited for long reserve them: nobody behind them
takes the last free place of a resource that they need. The price is that such a place may stay
unused until the other resource comes free.
"""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from castalia.jobs.database import JobDatabase, clock, is_postgresql, lock
from castalia.jobs.tables import jobs, resources
from castalia.model.job import JobState

STARVING_AFTER_S = 30.0
MAX_RESERVING = 8
# Any number will do as long as every manager takes the same and nothing else in the database does.
_ADVISORY_LOCK = 0x0CA57A11A


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that this manager has just become the owner of."""

    id: str
    kind: str
    version: int
    args: str
    owner: str
    fence: int
    attempt: int
    retried: int
    crashes: int
    ending: str
    cancel_requested: bool


@dataclass(frozen=True, kw_only=True)
class Claimant:
    """Who claims: an owner name that no other run of any manager has, what it can run, and how long
    its leases last."""

    owner: str
    kinds: Sequence[tuple[str, int]]
    lease_ttl_s: float
    starving_after_s: float = STARVING_AFTER_S


@dataclass
class Usage:
    """How many hold each resource, the smallest limit among them, and who reserves it."""

    holders: Counter[str] = field(default_factory=Counter)
    tightest: dict[str, int] = field(default_factory=dict)
    reserving: dict[str, float] = field(default_factory=dict)
    reserved: dict[str, list[str]] = field(default_factory=dict)
    reserved_limit: dict[str, int] = field(default_factory=dict)

    def room(self, name: str, limit: int, *, job_id: str, rank: float) -> bool:
        """Whether the job may hold the resource now, reservations of those before it counted."""
        ahead = sum(
            1
            for other in self.reserved.get(name, ())
            if other != job_id and (self.reserving[other], other) < (rank, job_id)
        )
        return self.holders[name] + ahead < min(limit, self.tightest.get(name, limit))

    def take(self, job_id: str, wanted: Sequence[tuple[str, int]]) -> None:
        """Counts the job as holder; what it had reserved is held now."""
        for name, limit in wanted:
            self.holders[name] += 1
            self.tightest[name] = min(limit, self.tightest.get(name, limit))
            if job_id in self.reserved.get(name, ()):
                self.reserved[name].remove(job_id)


def claim(
    database: JobDatabase, claimant: Claimant, *, slots: int, running: Collection[str]
) -> list[Claim] | None:
    """Up to `slots` jobs that are ours from now on; None when another manager is claiming at this
    moment. `running` are the jobs whose handlers are at work in this process.

    The search is made in a read transaction, as it may take long in a long queue; the short write
    transaction looks again at the few that were found.
    """
    with database.read() as connection:
        expired = _expired(connection, running)
        found = candidates(connection, claimant, running=running, limit=2 * slots + 16)
    if not found and not expired:
        return []
    with database.write() as connection:
        if not _alone(connection):
            return None
        lock(connection, [*expired, *found])
        requeue(connection, expired)
        return _take(connection, claimant, [*expired, *found], slots=slots)


def pause_s() -> float:
    """How long to wait after somebody else was claiming."""
    return random.uniform(0.003, 0.02)  # noqa: S311 -- spreads managers, guards nothing


def requeue(connection: Connection, ids: Collection[str]) -> None:
    """Puts jobs whose owner is gone back into the queue; they keep their resources."""
    if not ids:
        return
    connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(ids), jobs.c.state == JobState.RUNNING, _lease_is_over(connection))
        .values(state=JobState.QUEUED.value, owner="", crashes=jobs.c.crashes + 1)
    )


def requeue_all(connection: Connection) -> int:
    """Puts every running job back at once: only for who knows that no manager runs."""
    return connection.execute(
        update(jobs)
        .where(jobs.c.state == JobState.RUNNING, jobs.c.owner != "")
        .values(state=JobState.QUEUED.value, owner="", crashes=jobs.c.crashes + 1)
    ).rowcount


def _lease_is_over(connection: Connection) -> ColumnElement[bool]:
    return and_(jobs.c.owner != "", jobs.c.lease_until < clock(connection))


def _expired(connection: Connection, running: Collection[str]) -> list[str]:
    # A process that was stopped for a while finds its own leases over; its handlers still run.
    statement = select(jobs.c.id).where(
        jobs.c.state == JobState.RUNNING, _lease_is_over(connection), jobs.c.id.not_in(running)
    )
    return list(connection.execute(statement).scalars())


def _alone(connection: Connection) -> bool:
    if not is_postgresql(connection):
        return True
    locked = connection.execute(func.pg_try_advisory_xact_lock(_ADVISORY_LOCK).select())
    return bool(locked.scalar())


def usage(connection: Connection, *, starving_after_s: float) -> Usage:
    """Who holds and who reserves what at this moment."""
    found = Usage()
    held = (
        select(resources.c.name, func.count(), func.min(resources.c.max_holders))
        .where(resources.c.held.is_(True))
        .group_by(resources.c.name)
    )
    for name, holders, tightest in connection.execute(held):
        found.holders[name] = holders
        found.tightest[name] = tightest
    for row in connection.execute(_reservations(connection, starving_after_s)):
        found.reserving[row.id] = row.rank
        found.reserved.setdefault(row.name, []).append(row.id)
        known = found.reserved_limit.get(row.name, row.max_holders)
        found.reserved_limit[row.name] = min(known, row.max_holders)
    return found


def _reservations(connection: Connection, starving_after_s: float) -> Any:
    several = (
        select(func.count())
        .where(resources.c.job_id == jobs.c.id)
        .correlate(jobs)
        .scalar_subquery()
    )
    first = (
        select(jobs.c.id, jobs.c.rank)
        .where(
            jobs.c.state == JobState.QUEUED,
            jobs.c.holding.is_(False),
            jobs.c.not_before < clock(connection) - literal(starving_after_s),
            several > 1,
        )
        .order_by(jobs.c.rank, jobs.c.id)
        .limit(MAX_RESERVING)
        .subquery()
    )
    wanted = resources.c.job_id == first.c.id
    return select(first.c.id, first.c.rank, resources.c.name, resources.c.max_holders).join(
        resources, wanted
    )


def candidates(
    connection: Connection, claimant: Claimant, *, running: Collection[str], limit: int
) -> list[str]:
    """Jobs that could start now, in order; at most a few of them cannot after all.

    A job whose earlier run has lost it but still hangs in this process is left to other managers,
    or to the moment when that run is gone.
    """
    seen = usage(connection, starving_after_s=claimant.starving_after_s)
    statement = (
        select(jobs.c.id)
        .where(
            _due(connection, claimant),
            jobs.c.id.not_in(running),
            or_(jobs.c.holding.is_(True), _free(seen)),
        )
        .order_by(jobs.c.holding.desc(), jobs.c.rank, jobs.c.id)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def _due(connection: Connection, claimant: Claimant) -> ColumnElement[bool]:
    return and_(
        jobs.c.state == JobState.QUEUED,
        jobs.c.not_before <= clock(connection),
        tuple_(jobs.c.kind, jobs.c.version).in_(claimant.kinds),
    )


def _free(seen: Usage) -> ColumnElement[bool]:
    own = resources.c.job_id == jobs.c.id
    used = ~exists().where(own, _used_up(seen))
    reserved = [name for name, jobs_of in seen.reserved.items() if jobs_of and _last(seen, name)]
    if not reserved:
        return used
    return and_(
        used,
        or_(
            jobs.c.rank < min(seen.reserving.values()),
            jobs.c.id.in_(list(seen.reserving)),
            ~exists().where(own, resources.c.name.in_(reserved)),
        ),
    )


def _used_up(seen: Usage) -> ColumnElement[bool]:
    full = [name for name, holders in seen.holders.items() if holders >= seen.tightest[name]]
    conditions: list[ColumnElement[bool]] = [resources.c.name.in_(full)] if full else []
    by_count: dict[int, list[str]] = {}
    for name, holders in seen.holders.items():
        by_count.setdefault(holders, []).append(name)
    for holders, names in by_count.items():
        wants_fewer = and_(resources.c.max_holders <= holders, resources.c.name.in_(names))
        conditions.append(wants_fewer)
    return or_(false(), *conditions)


def _last(seen: Usage, name: str) -> bool:
    limit = min(seen.reserved_limit[name], seen.tightest.get(name, seen.reserved_limit[name]))
    return seen.holders[name] + len(seen.reserved[name]) >= limit


def _take(
    connection: Connection, claimant: Claimant, ids: Sequence[str], *, slots: int
) -> list[Claim]:
    chosen = _choose(connection, claimant, ids)[:slots]
    if not chosen:
        return []
    lease_until = clock(connection) + literal(claimant.lease_ttl_s)
    taken = connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(chosen), jobs.c.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING.value,
            owner=claimant.owner,
            lease_until=lease_until,
            fence=jobs.c.fence + 1,
            attempt=jobs.c.attempt + 1,
            holding=True,
            started_at=func.coalesce(jobs.c.started_at, clock(connection)),
        )
        .returning(*(jobs.c[name] for name in Claim.__dataclass_fields__))
    )
    claims = [Claim(**row) for row in taken.mappings()]
    owned = [each.id for each in claims]
    connection.execute(update(resources).where(resources.c.job_id.in_(owned)).values(held=True))
    return sorted(claims, key=lambda each: chosen.index(each.id))


def _choose(connection: Connection, claimant: Claimant, ids: Sequence[str]) -> list[str]:
    """Those of `ids` that fit together, in order."""
    due = connection.execute(
        select(jobs.c.id, jobs.c.rank, jobs.c.holding)
        .where(jobs.c.id.in_(ids), _due(connection, claimant))
        .order_by(jobs.c.holding.desc(), jobs.c.rank, jobs.c.id)
    ).all()
    wanted: dict[str, list[tuple[str, int]]] = {row.id: [] for row in due}
    for row in connection.execute(
        select(resources.c.job_id, resources.c.name, resources.c.max_holders).where(
            resources.c.job_id.in_(list(wanted))
        )
    ):
        wanted[row.job_id].append((row.name, row.max_holders))
    seen = usage(connection, starving_after_s=claimant.starving_after_s)
    return _fitting(due, wanted, seen)


def _fitting(
    due: Sequence[Any], wanted: dict[str, list[tuple[str, int]]], seen: Usage
) -> list[str]:
    chosen = []
    for row in due:
        needs = wanted[row.id]
        if row.holding:
            chosen.append(row.id)
        elif all(seen.room(name, n, job_id=row.id, rank=row.rank) for name, n in needs):
            seen.take(row.id, needs)
            chosen.append(row.id)
    return chosen
