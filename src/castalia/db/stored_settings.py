"""Settings that users change while the manager runs, by key, as JSON values."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from castalia.db.tables import stored_settings as table
from castalia.model.clock import now


def get(connection: Connection, key: str, default: Any = None) -> Any:
    """The value of `key`, or `default`."""
    row = connection.execute(select(table.c.value).where(table.c.key == key)).first()
    return default if row is None else row.value


def every(connection: Connection) -> dict[str, Any]:
    """All values by key."""
    return {row.key: row.value for row in connection.execute(select(table))}


def put(connection: Connection, key: str, value: Any) -> None:
    """Sets the value of `key`."""
    delete(connection, key)
    values = {"key": key, "value": value, "changed_at": now()}
    connection.execute(sa.insert(table).values(values))


def delete(connection: Connection, key: str) -> None:
    """Forgets `key`; one that is not set is no error."""
    connection.execute(sa.delete(table).where(table.c.key == key))
