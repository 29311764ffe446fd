"""What the engine needs of a database."""

import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Double, cast, func, literal, select

from castalia.jobs.tables import jobs


class JobDatabase(Protocol):
    """SQLite or PostgreSQL, with explicit read and write transactions."""

    sqlite: bool

    def read(self) -> AbstractContextManager[Connection]:
        """A consistent view; nothing is written in it."""

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that commits at its end and rolls back on any exception."""


def is_postgresql(connection: Connection) -> bool:
    """Whether several managers may share this database."""
    return connection.dialect.name == "postgresql"


def clock(connection: Connection) -> ColumnElement[float]:
    """The time in seconds since 1970 as SQL.

    On PostgreSQL it is the server's, read when the statement runs: the clocks of several managers
    differ, and a transaction's own start time may be long past.
    """
    if is_postgresql(connection):
        return cast(func.extract("epoch", func.clock_timestamp()), Double)
    return literal(time.time(), Double)


def lock(connection: Connection, ids: Collection[str]) -> None:
    """Locks the rows of these jobs until the transaction ends, in the one order that everybody
    keeps to."""
    if is_postgresql(connection):
        rows = select(jobs.c.id).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)
        connection.execute(rows.with_for_update())


CHANNEL = "castalia_jobs"


def notify(connection: Connection, word: str, *, origin: str) -> None:
    """Tells every manager on this database, once the transaction has committed, and who said it. On
    SQLite there is no other one."""
    if is_postgresql(connection):
        connection.execute(func.pg_notify(CHANNEL, f"{word} {origin}").select())
