"""What the engine needs of a database."""

import time
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Double, cast, func, literal


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


CHANNEL = "castalia_jobs"


def notify(connection: Connection, word: str) -> None:
    """Tells every manager on this database, once the transaction has committed. On SQLite there is
    no other one."""
    if is_postgresql(connection):
        connection.execute(func.pg_notify(CHANNEL, word).select())
