"""Jobs that come again and again, by cron expressions."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from sqlalchemy import Connection, delete, insert, select, update

from castalia.errors import InvalidRequest
from castalia.jobs.database import JobDatabase, clock
from castalia.jobs.request import JobRequest, from_json, to_json
from castalia.jobs.tables import schedules

RequestFactory = Callable[[], JobRequest]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A job that is enqueued whenever its cron expression says so, in its time zone."""

    name: str
    cron: str
    timezone: str
    next_at: datetime
    last_at: datetime | None
    last_job_id: str


class Scheduler:
    """Keeps the schedules and enqueues what is due.

    Turns that were missed while no manager ran are made up for by one, not by all of them.
    """

    def __init__(
        self, database: JobDatabase, enqueue: Callable[[Connection, JobRequest], str]
    ) -> None:
        self._database = database
        self._enqueue = enqueue
        self._lock = threading.Lock()
        self._factories: dict[str, RequestFactory] = {}

    def add(
        self, name: str, *, cron: str, timezone: str, request: JobRequest | RequestFactory
    ) -> None:
        """Makes or replaces a schedule; an unchanged cron expression keeps its next turn."""
        following(cron, timezone, after=0.0)
        stored = to_json(request) if isinstance(request, JobRequest) else ""
        if not isinstance(request, JobRequest):
            with self._lock:
                self._factories[name] = request
        with self._database.write() as connection:
            self._store(connection, name, cron=cron, timezone=timezone, request=stored)

    def _store(
        self, connection: Connection, name: str, *, cron: str, timezone: str, request: str
    ) -> None:
        values: dict[str, Any] = {"cron": cron, "timezone": timezone, "request": request}
        mine = schedules.c.name == name
        old = connection.execute(select(schedules).where(mine)).first()
        if old is not None and (old.cron, old.timezone) == (cron, timezone):
            connection.execute(update(schedules).where(mine).values(values))
            return
        now = connection.execute(select(clock(connection))).scalar_one()
        values |= {"next_at": following(cron, timezone, after=now)}
        if old is None:
            connection.execute(insert(schedules).values(name=name, **values))
        else:
            connection.execute(update(schedules).where(mine).values(values))

    def remove(self, name: str) -> None:
        """Forgets a schedule; jobs that it has made stay."""
        with self._lock:
            self._factories.pop(name, None)
        with self._database.write() as connection:
            connection.execute(delete(schedules).where(schedules.c.name == name))

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(schedules).order_by(schedules.c.name)).all()
        return [
            Schedule(
                name=row.name,
                cron=row.cron,
                timezone=row.timezone,
                next_at=datetime.fromtimestamp(row.next_at, UTC),
                last_at=None if row.last_at is None else datetime.fromtimestamp(row.last_at, UTC),
                last_job_id=row.last_job_id,
            )
            for row in rows
        ]

    def tick(self) -> None:
        """Enqueues what is due. Of several managers one wins each turn."""
        with self._database.read() as connection:
            due = list(
                connection.execute(
                    select(schedules.c.name).where(schedules.c.next_at <= clock(connection))
                ).scalars()
            )
        for name in due:
            self._turn(name)

    def _turn(self, name: str) -> None:
        with self._lock:
            factory = self._factories.get(name)
        with self._database.write() as connection:
            now = connection.execute(select(clock(connection))).scalar_one()
            mine = (schedules.c.name == name, schedules.c.next_at <= now)
            row = connection.execute(select(schedules).where(*mine).with_for_update()).first()
            if row is None or not (row.request or factory):
                return
            request = factory() if factory and not row.request else from_json(row.request)
            connection.execute(
                update(schedules)
                .where(*mine)
                .values(
                    next_at=following(row.cron, row.timezone, after=now),
                    last_at=now,
                    last_job_id=self._enqueue(connection, request),
                )
            )


def following(cron: str, timezone: str, *, after: float) -> float:
    """The next turn after a moment, both in seconds since 1970.

    Raises InvalidRequest for an expression or a time zone that cannot be understood.
    """
    try:
        start = datetime.fromtimestamp(after, ZoneInfo(timezone))
        return next(CronSim(cron, start)).timestamp()
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"There is no time zone {timezone}."
        raise InvalidRequest(message, field="timezone", remedy="Try UTC.") from error
    except (CronSimError, StopIteration) as error:
        raise InvalidRequest(
            f"The cron expression “{cron}” is not usable.",
            field="cron",
            remedy="Five fields: minute, hour, day of month, month, day of week.",
        ) from error
