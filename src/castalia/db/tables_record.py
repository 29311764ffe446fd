"""Tables of what happened and what was measured, of answers to repeat, and of stored settings."""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, Text

from castalia.db.columns import Timestamp, metadata, name_type

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("subject", String, nullable=False, default=""),
    Column("subject_name", name_type(), nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("host_id", String, nullable=False, default=""),
    Column("job_id", String, nullable=False, default=""),
    Column("user_name", name_type(), nullable=False, default=""),
    Index(None, "at", "id"),
    Index(None, "subject", "at"),
)

metric_blocks = Table(
    "metric_blocks",
    metadata,
    Column("subject", String, primary_key=True),
    Column("span_s", Integer, primary_key=True, comment="900 for samples, 86400 for their means"),
    Column("starts_at", Integer, primary_key=True, comment="seconds since 1970, multiple of span"),
    Column("step_s", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False, comment="compressed 32-bit floats, by column"),
    Index(None, "span_s", "starts_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False, comment="of the request that used the key"),
    Column("created_at", Timestamp, nullable=False),
    Column("status", Integer, comment="empty while the request is being answered"),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False, default=""),
    Index(None, "created_at"),
)

stored_settings = Table(
    "settings",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
)
