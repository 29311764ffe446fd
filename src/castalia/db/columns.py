"""Column types that both backends store alike, and the one MetaData of our tables."""

from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import DateTime, Dialect, MetaData, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""The tables of this package; the job engine has a MetaData of its own."""


class Timestamp(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite has no time zones: there it is text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True
    python_type = datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive moments, whose zone nobody knows."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives SQLite's moments their zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Document(TypeDecorator[T], Generic[T]):
    """A model object as JSON text.

    Text and not the backends' JSON type: pydantic reads a definition in 4 µs straight from the
    text, and nothing searches inside.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        """The JSON text."""
        return None if value is None else self._adapter.dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:  # noqa: ARG002 -- likewise
        """The object; fields that a newer or older version wrote are ignored or get defaults."""
        return None if value is None else self._adapter.validate_json(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:  # noqa: ARG002 -- likewise
        """Comparisons are with the text."""
        return String()


class Tags(TypeDecorator[tuple[str, ...]]):
    """Tags as one text with a line break around each, so that LIKE finds a whole tag on both
    backends."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:  # noqa: ARG002 -- likewise
        """The text; empty without tags."""
        cleaned = [" ".join(tag.split()) for tag in value or ()]
        return "".join(f"\n{tag}" for tag in cleaned if tag) + ("\n" if cleaned else "")

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002 -- likewise
        """The tags in their order."""
        return tuple((value or "").strip("\n").split("\n")) if value else ()


def name_type() -> String:
    """Text that sorts by code point everywhere, whatever the database's locale."""
    return String().with_variant(String(collation="C"), "postgresql")
