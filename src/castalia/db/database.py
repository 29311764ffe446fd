"""A database that readers share and one writer at a time changes.

On SQLite, writers of this process queue on a mutex before `BEGIN IMMEDIATE`: without it they would
meet inside
SQLite, whose busy handler sleeps blindly and lets latency rise to seconds under load.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from castalia.errors import Busy

_PRAGMAS = (
    "PRAGMA journal_mode=wal",
    "PRAGMA synchronous=full",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=on",
)


class Database:
    """One SQLAlchemy engine, on SQLite or PostgreSQL, with explicit read and write transactions."""

    def __init__(self, url: str) -> None:
        """`url` is a SQLAlchemy address (`sqlite:///FILE`, `postgresql+psycopg://…`). Nothing is
        opened yet."""
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine: Engine = _sqlite_engine(url) if self.sqlite else _postgresql_engine(url)
        self._snapshots = self.engine if self.sqlite else _one_view(self.engine)
        self._writer = threading.RLock() if self.sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; writing in it is a mistake."""
        with _busy_is_temporary(), self._snapshots.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end and rolls back on any exception. Never nest two.

        Raises Busy when another process kept the database locked for 30 s.
        """
        with self._writer, _busy_is_temporary(), self.engine.connect() as connection:
            connection.execution_options(castalia_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Gives every connection back."""
        self.engine.dispose()


@contextmanager
def _busy_is_temporary() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig) or "busy" in str(error.orig):
            remedy = "Nothing was changed; try again in a moment."
            raise Busy("The database is busy.", remedy=remedy, detail=str(error)) from error
        raise


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=20)
    file = engine.url.database

    @event.listens_for(engine, "do_connect")
    def keep_private(*_: object) -> None:
        """The file holds hashes of passwords, and SQLite would let everybody read a new one. Its
        journal gets the same mode.

        A file that exists must not be opened here, not even to read: closing it would drop all
        POSIX locks that this process has on it, SQLite's too, and the next process that ends would
        take itself for the last one and delete the journal under us.
        """
        if not file or file == ":memory:":
            return
        with suppress(OSError):  # it exists, or SQLite says better what is wrong with the path
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))

    @event.listens_for(engine, "connect")
    def prepare(dbapi: Any, _record: object) -> None:
        dbapi.isolation_level = None  # the driver must not begin transactions on its own
        for pragma in _PRAGMAS:
            dbapi.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("castalia_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _one_view(engine: Engine) -> Engine:
    """PostgreSQL's default shows each statement of a transaction something newer."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _postgresql_engine(url: str) -> Engine:
    return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
