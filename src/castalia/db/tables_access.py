"""Tables of who may do what, and of who did what."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from castalia.db.columns import Timestamp, metadata, name_type


def _user_key() -> Column[str]:
    return Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", name_type(), nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_login_at", Timestamp),
    Column("revision", Integer, nullable=False, default=1),
    UniqueConstraint("name"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("secret_hash", String, nullable=False),
    _user_key(),
    Column("source", String, nullable=False, default=""),
    Column("agent", Text, nullable=False, default=""),
    Column("created_at", Timestamp, nullable=False),
    Column("used_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    UniqueConstraint("secret_hash"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("secret_hash", String, nullable=False),
    _user_key(),
    Column("name", name_type(), nullable=False),
    Column("role", String, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp),
    Column("last_used_at", Timestamp),
    UniqueConstraint("secret_hash"),
    UniqueConstraint("user_id", "name"),
)

console_tickets = Table(
    "console_tickets",
    metadata,
    Column("secret_hash", String, primary_key=True),
    Column("vm_id", String, nullable=False),
    Column("kind", String, nullable=False),
    _user_key(),
    Column("role", String, nullable=False),
    Column("source", String, nullable=False, default=""),
    Column("session_id", String, nullable=False, default=""),
    Column("token_id", String, nullable=False, default=""),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", String, primary_key=True, comment="user and address, or one of them"),
    Column("failures", Integer, nullable=False),
    Column("ends_at", Timestamp, nullable=False),
    Index(None, "ends_at"),
)

ssh_keys = Table(
    "ssh_keys",
    metadata,
    Column("name", name_type(), primary_key=True),
    Column("public_key", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("user_name", name_type(), nullable=False),
    Column("source", String, nullable=False, default=""),
    Column("channel", String, nullable=False, default=""),
    Column("action", String, nullable=False),
    Column("target", Text, nullable=False, default=""),
    Column("outcome", String, nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Index(None, "at", "id"),
)
