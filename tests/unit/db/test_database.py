"""The database's own file."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, insert, select

from castalia.db import tables
from castalia.db.database import Database

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_sqlite_file_and_journal_are_readable_for_their_owner_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'castalia.db'}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE secret (hash TEXT)")

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    database.close()
    assert "castalia.db-wal" in modes
    assert set(modes.values()) == {0o600}


_VISIT = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version')"


def test_another_process_that_ends_leaves_the_journal_alone(tmp_path: Path) -> None:
    file = tmp_path / "castalia.db"
    database = Database(f"sqlite:///{file}")
    with database.write() as first, database.engine.connect():
        first.exec_driver_sql("CREATE TABLE kept (n)")

    subprocess.run([sys.executable, "-c", _VISIT + "; c.close()", str(file)], check=True)

    assert file.with_name("castalia.db-wal").exists()
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    database.close()
    again = Database(f"sqlite:///{file}")
    with again.read() as connection:
        assert connection.exec_driver_sql("SELECT n FROM kept").scalar() == 1
    again.close()


def test_a_read_shows_one_state_from_beginning_to_end(database: Database) -> None:
    settings = select(func.count()).select_from(tables.stored_settings)
    with database.read() as reader:
        before = reader.execute(settings).scalar_one()
        with database.write() as writer:
            row = {"key": "theme", "value": "dark", "changed_at": START}
            writer.execute(insert(tables.stored_settings).values(row))
        assert reader.execute(settings).scalar_one() == before
