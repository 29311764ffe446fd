"""Brings a database's schema to the version that this program works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from castalia.db.database import Database
from castalia.errors import Unsupported

_ADVISORY_LOCK = 0x63617374
"""Two managers that start at once on PostgreSQL upgrade one after the other."""


def upgrade(database: Database) -> None:
    """Applies every version that is missing, in one transaction; nothing if there is none.

    Raises Unsupported (`database.newer`) for a database that a newer program has used, and leaves
    it alone.
    """
    with _exclusive(database) as connection:
        config = _config(connection)
        script = ScriptDirectory.from_config(config)
        heads = MigrationContext.configure(connection).get_current_heads()
        known = {revision.revision for revision in script.walk_revisions()}
        if set(heads) - known:
            raise _newer(", ".join(sorted(set(heads) - known)))
        if set(heads) != set(script.get_heads()):
            command.upgrade(config, "head")


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        if not database.sqlite:
            lock = text("SELECT pg_advisory_xact_lock(:key)")
            connection.execute(lock, {"key": _ADVISORY_LOCK})
        yield connection


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _newer(version: str) -> Unsupported:
    return Unsupported(
        f"The database has version {version}, which this version of Castalia does not know.",
        code="database.newer",
        remedy="Start the newer Castalia that used it last, or restore an older backup.",
    )
