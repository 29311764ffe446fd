"""Brings the stored volumes of a repository in line with what its host reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, select

from castalia.db.tables import repositories, volumes
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.model.storage import VolumeFacts

_REPORTED = ("path", "format", "capacity_bytes", "allocation_bytes", "backing_path")


def sync_volumes(
    connection: Connection,
    repository_id: str,
    facts: Sequence[VolumeFacts],
    *,
    taken_at: datetime,
) -> bool:
    """Makes the stored volumes what `facts` say; whether anything but their real use changed.

    `taken_at` is when the report was begun: a volume that was noted after that stays as it is.
    """
    query = select(volumes).where(volumes.c.repository_id == repository_id)
    stored = {row.name: row._mapping for row in connection.execute(query)}
    newer = {name for name, row in stored.items() if row["seen_at"] and row["seen_at"] > taken_at}
    reported = {one.name: _values(one) for one in facts if one.name not in newer}
    gone = [stored[name]["id"] for name in stored.keys() - reported.keys() - newer]
    fresh = [reported[name] | {"name": name} for name in reported.keys() - stored.keys()]
    changed = [
        (stored[name], values)
        for name, values in reported.items()
        if name in stored and any(stored[name][key] != values[key] for key in _REPORTED)
    ]
    if gone:
        connection.execute(sa.delete(volumes).where(volumes.c.id.in_(gone)))
    _insert(connection, repository_id, fresh)
    _update(connection, [values | {"key": before["id"]} for before, values in changed])
    return bool(gone or fresh) or any(_notable(before, after) for before, after in changed)


def note_volume(
    connection: Connection, facts: VolumeFacts, *, host_id: str, repository: str
) -> None:
    """Notes one volume that was just made or changed, without waiting for the host's next report.
    A repository that is not known yet is no error."""
    ids = connection.scalars(
        select(repositories.c.id).where(
            repositories.c.host_id == host_id, repositories.c.name == repository
        )
    )
    for repository_id in list(ids):
        known = connection.scalar(
            select(volumes.c.id).where(
                volumes.c.repository_id == repository_id, volumes.c.name == facts.name
            )
        )
        values = _values(facts)
        if known is None:
            _insert(connection, repository_id, [values | {"name": facts.name}])
        else:
            _update(connection, [values | {"key": known}])


def forget_volume(connection: Connection, name: str, *, host_id: str, repository: str) -> None:
    """Forgets one volume that was just deleted; one that is not known is no error."""
    ids = select(repositories.c.id).where(
        repositories.c.host_id == host_id, repositories.c.name == repository
    )
    connection.execute(
        sa.delete(volumes).where(volumes.c.repository_id.in_(ids), volumes.c.name == name)
    )


def _notable(before: Any, after: dict[str, Any]) -> bool:
    return any(before[key] != after[key] for key in _REPORTED if key != "allocation_bytes")


def _values(facts: VolumeFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in _REPORTED} | {"format": facts.format.value}


def _insert(connection: Connection, repository_id: str, fresh: list[dict[str, Any]]) -> None:
    own = {"repository_id": repository_id, "seen_at": now()}
    if fresh:
        rows = [values | own | {"id": new_id()} for values in fresh]
        connection.execute(sa.insert(volumes), rows)


def _update(connection: Connection, changed: list[dict[str, Any]]) -> None:
    if not changed:
        return
    assignments: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _REPORTED}
    statement = (
        sa.update(volumes)
        .where(volumes.c.id == bindparam("key"))
        .values(assignments | {"seen_at": now()})
    )
    rows = [
        {f"new_{name}": row[name] for name in _REPORTED} | {"key": row["key"]} for row in changed
    ]
    connection.execute(statement, rows)
