"""The time, as records have it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, with its time zone (UTC)."""
    return datetime.now(UTC)
