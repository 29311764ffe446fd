"""The first version's tables of events, measurements, answers and settings."""

import sqlalchemy as sa
from alembic import op

from castalia.db.migrations.first.types import NAME


def create() -> None:
    """Makes the tables."""
    _events()
    _metric_blocks()
    _idempotency_keys()
    _settings()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_name", NAME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("user_name", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_at_id", "events", ["at", "id"])
    op.create_index("ix_events_subject_at", "events", ["subject", "at"])


def _metric_blocks() -> None:
    op.create_table(
        "metric_blocks",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column(
            "span_s", sa.Integer(), nullable=False, comment="900 for samples, 86400 for their means"
        ),
        sa.Column(
            "starts_at",
            sa.Integer(),
            nullable=False,
            comment="seconds since 1970, multiple of span",
        ),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column(
            "data", sa.LargeBinary(), nullable=False, comment="compressed 32-bit floats, by column"
        ),
        sa.PrimaryKeyConstraint(
            "subject", "span_s", "starts_at", "step_s", name="pk_metric_blocks"
        ),
    )
    op.create_index("ix_metric_blocks_span_s_starts_at", "metric_blocks", ["span_s", "starts_at"])


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "fingerprint", sa.String(), nullable=False, comment="of the request that used the key"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Integer(),
            nullable=True,
            comment="empty while the request is being answered",
        ),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )
