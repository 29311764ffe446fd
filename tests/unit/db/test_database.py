"""The database's own file."""

from pathlib import Path

from castalia.db.database import Database


def test_sqlite_file_and_journal_are_readable_for_their_owner_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'castalia.db'}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE secret (hash TEXT)")

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    database.close()
    assert "castalia.db-wal" in modes
    assert set(modes.values()) == {0o600}
