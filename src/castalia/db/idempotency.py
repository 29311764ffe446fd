"""Answers to requests that may be sent twice, by user and key."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, select

from castalia.db.tables import idempotency_keys as table


def get(connection: Connection, user_id: str, key: str) -> Row[Any] | None:
    """The row of a key: `fingerprint`, `created_at`, and `status` (None while the request is being
    answered), `headers`, `body`."""
    return connection.execute(select(table).where(_is(user_id, key))).first()


def claim(
    connection: Connection, user_id: str, key: str, *, fingerprint: str, at: datetime
) -> None:
    """Reserves a key for a request; an older reservation of it is replaced."""
    delete(connection, user_id, key)
    values = {"user_id": user_id, "key": key, "fingerprint": fingerprint, "created_at": at}
    connection.execute(sa.insert(table).values(values | {"headers": {}}))


def finish(
    connection: Connection,
    user_id: str,
    key: str,
    *,
    status: int,
    headers: dict[str, str],
    body: str,
) -> None:
    """Keeps the answer of the request that reserved the key."""
    values = {"status": status, "headers": headers, "body": body}
    connection.execute(sa.update(table).where(_is(user_id, key)).values(values))


def delete(connection: Connection, user_id: str, key: str) -> None:
    """Gives a key free."""
    connection.execute(sa.delete(table).where(_is(user_id, key)))


def prune(connection: Connection, *, before: datetime) -> None:
    """Forgets keys from before that moment."""
    connection.execute(sa.delete(table).where(table.c.created_at < before))


def _is(user_id: str, key: str) -> sa.ColumnElement[bool]:
    return (table.c.user_id == user_id) & (table.c.key == key)
