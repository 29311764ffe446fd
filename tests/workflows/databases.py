"""SQLite databases that one world after the other uses: SQLAlchemy compiles every statement anew
for each new engine, which takes longer than what most of these tests do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from castalia.db import migrate
from castalia.db.database import Database


class LastingDatabase(Database):
    """A database that stays open when a manager closes it."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        super().__init__(self.url)

    def close(self) -> None:
        """The next manager goes on with it."""

    def become(self, template: Path) -> None:
        """Takes over the content of another database file."""
        with closing(sqlite3.connect(template)) as source:
            connection = self.engine.raw_connection()
            try:
                assert isinstance(connection.dbapi_connection, sqlite3.Connection)
                source.backup(connection.dbapi_connection)
            finally:
                connection.close()


class Databases:
    """Lends databases that hold empty tables."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._every: dict[str, LastingDatabase] = {}
        self._free: list[LastingDatabase] = []
        self._template = directory / "template.db"
        empty = Database(f"sqlite:///{self._template}")
        migrate.upgrade(empty)
        empty.close()

    @contextmanager
    def lent(self) -> Iterator[LastingDatabase]:
        """An empty database, for one world at a time."""
        database = self._free.pop() if self._free else self._another()
        database.become(self._template)
        yield database
        self._free.append(database)

    def open(self, url: str) -> Database:
        """In the place of the class Database in bootstrap."""
        return self._every.get(url) or Database(url)

    def close(self) -> None:
        """Closes all for good."""
        for database in self._every.values():
            database.engine.dispose()

    def _another(self) -> LastingDatabase:
        database = LastingDatabase(self._directory / f"{len(self._every)}.db")
        self._every[database.url] = database
        return database
