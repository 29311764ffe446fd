"""Edits that meet: an update says which revision it was made from, and loses if that is past."""

from typing import Any

from sqlalchemy import Connection, Table, update

from castalia.errors import EditConflict, NotFound


def change(
    connection: Connection,
    table: Table,
    id: str,
    values: dict[str, Any],
    *,
    expected_revision: int | None,
    missing: NotFound,
) -> None:
    """Writes `values` and raises the row's revision by one.

    Raises EditConflict when `expected_revision` is given and is not the row's, and `missing` when
    there is no such row.
    """
    condition = table.c.id == id
    if expected_revision is not None:
        condition &= table.c.revision == expected_revision
    revision = table.c.revision + 1
    statement = update(table).where(condition).values(values | {"revision": revision})
    if connection.execute(statement).rowcount == 1:
        return
    if connection.execute(table.select().where(table.c.id == id)).first() is None:
        raise missing
    remedy = "Load it again, look at what was changed, and make your change on top of it."
    raise EditConflict("Somebody else changed it in the meantime.", remedy=remedy)
