"""The migrations end at the schema that the code describes, and refuse what they do not know."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from castalia.db import migrate
from castalia.db.database import Database
from castalia.db.tables import metadata
from castalia.errors import Unsupported
from castalia.jobs.tables import metadata as jobs_metadata


def test_the_migrated_schema_is_the_described_one(database_url: str) -> None:
    database = Database(database_url)
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        # on SQLite, alembic takes '' for another default than ''
        options = {"compare_type": True, "compare_server_default": not database.sqlite}
        migration = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(migration, [metadata, jobs_metadata]) == []
    database.close()


def test_upgrading_twice_does_nothing(database_url: str) -> None:
    database = Database(database_url)
    migrate.upgrade(database)
    with database.write() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('a', '1', '2026-01-01 00:00:00')"))
    migrate.upgrade(database)
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM settings")) == 1
    database.close()


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(Unsupported) as refused:
        migrate.upgrade(database)
    assert refused.value.code == "database.newer"
    assert "9999" in refused.value.message
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    database.close()


def test_a_failed_upgrade_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("in the middle")

    database = Database(database_url)
    monkeypatch.setattr("castalia.db.migrations.first.jobs.create", fail)
    with pytest.raises(RuntimeError):
        migrate.upgrade(database)
    assert inspect(database.engine).get_table_names() == []
    database.close()
