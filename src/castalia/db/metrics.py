"""Measurements in blocks: one row holds a subject's values for a span of time, packed.

Ten thousand VMs measured every ten seconds make 86 million samples a day; as a row each they would
not fit. What the packed bytes mean is `castalia.model.series`' business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from castalia.db.tables import metric_blocks as table

_KEY = ("subject", "span_s", "starts_at", "step_s")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A subject's values from `starts_at` (seconds since 1970) for `span_s`, one each `step_s`."""

    subject: str
    span_s: int
    starts_at: int
    step_s: int
    data: bytes


def put(connection: Connection, blocks: Iterable[Block]) -> None:
    """Keeps blocks, in bulk; earlier versions of them are replaced."""
    rows = [vars(block) for block in blocks]
    if not rows:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    replaced = {"data": statement.excluded.data}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(_KEY), set_=replaced), rows
    )


def between(
    connection: Connection, subjects: Sequence[str], *, span_s: int, since: int, until: int
) -> list[Block]:
    """The blocks of these subjects that overlap the time, in order."""
    query = select(table).where(
        table.c.subject.in_(subjects),
        table.c.span_s == span_s,
        table.c.starts_at > since - span_s,
        table.c.starts_at < until,
    )
    rows = connection.execute(query.order_by(table.c.starts_at, table.c.step_s))
    return [Block(**row._mapping) for row in rows]


def prune(connection: Connection, *, before: dict[int, int]) -> None:
    """Forgets blocks that began before a time; `before` gives it for each span."""
    old = [and_(table.c.span_s == span, table.c.starts_at < end) for span, end in before.items()]
    if old:
        connection.execute(sa.delete(table).where(or_(*old)))


def forget(connection: Connection, subject: str) -> None:
    """Forgets everything that was measured of a subject."""
    connection.execute(sa.delete(table).where(table.c.subject == subject))
