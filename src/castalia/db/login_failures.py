"""Counts failed logins per key (a user, an address, or both) for a while."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select

from castalia.db.tables import login_failures


def blocked_until(
    connection: Connection, key: str, *, allowed: int, now: datetime
) -> datetime | None:
    """Until when further attempts are refused; None if one is allowed now."""
    row = connection.execute(select(login_failures).where(login_failures.c.key == key)).first()
    if row is None or row.ends_at <= now or row.failures < allowed:
        return None
    ends_at: datetime = row.ends_at
    return ends_at


def add(connection: Connection, key: str, *, now: datetime, ends_at: datetime) -> int:
    """Counts one more until `ends_at`; returns the count. Old counts start again at one."""
    row = connection.execute(select(login_failures).where(login_failures.c.key == key)).first()
    count = row.failures + 1 if row is not None and row.ends_at > now else 1
    connection.execute(sa.delete(login_failures).where(login_failures.c.key == key))
    values = {"key": key, "failures": count, "ends_at": ends_at}
    connection.execute(sa.insert(login_failures).values(values))
    return count


def take_back(connection: Connection, key: str) -> None:
    """Counts one less."""
    statement = sa.update(login_failures).where(login_failures.c.key == key)
    connection.execute(statement.values(failures=login_failures.c.failures - 1))


def clear(connection: Connection, key: str) -> None:
    """Forgets the count."""
    connection.execute(sa.delete(login_failures).where(login_failures.c.key == key))


def prune(connection: Connection, *, now: datetime) -> None:
    """Forgets counts that have ended."""
    connection.execute(sa.delete(login_failures).where(login_failures.c.ends_at <= now))
