"""The job engine's tables.

All times are seconds since 1970 (UTC), so that both databases compare them alike. JSON is kept as
text: nothing ever looks inside it.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    false,
    text,
)

metadata = MetaData()


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _number(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text(str(default)))


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _job_id() -> Column[str]:
    return Column(
        "job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, nullable=False
    )


jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    _number("version", 1),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("args", Text, nullable=False, server_default="{}"),
    _words("target"),
    _words("target_name"),
    _words("host_id"),
    _words("parent_id"),
    _number("priority", 50),
    _words("dedup"),
    _number("percent"),
    _words("message"),
    Column("result", Text, nullable=False, server_default="{}"),
    _words("error_code"),
    _words("error"),
    _words("remedy"),
    _flag("cancel_requested"),
    _words("created_by"),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    # Queue order: a job may start from not_before on, and the smallest rank goes first.
    Column("not_before", Double, nullable=False),
    Column("rank", Double, nullable=False),
    # Ownership: only the owner with the current fence may write a running job.
    _words("owner"),
    _number("fence"),
    Column("lease_until", Double),
    # How it goes on: `holding` from the first claim to the end; `ending` is the state that it is
    # being undone towards.
    _flag("holding"),
    _words("ending"),
    _number("attempt"),
    _number("retried"),
    # The job that a user had run in place of this one when it had failed.
    _words("repeated_as"),
    _number("crashes"),
)
Index("ix_jobs_state_rank", jobs.c.state, jobs.c.rank)
Index("ix_jobs_parent", jobs.c.parent_id)
Index("ix_jobs_target", jobs.c.target)
Index("ix_jobs_finished", jobs.c.finished_at)

_UNFINISHED_DEDUP = and_(jobs.c.dedup != text("''"), jobs.c.finished_at.is_(None))
Index(
    "uq_jobs_dedup",
    jobs.c.dedup,
    unique=True,
    sqlite_where=_UNFINISHED_DEDUP,
    postgresql_where=_UNFINISHED_DEDUP,
)

resources = Table(
    "job_resources",
    metadata,
    _job_id(),
    Column("name", Text, primary_key=True, nullable=False),
    Column("max_holders", Integer, nullable=False),
    _words("label"),
    _flag("held"),
)
Index("ix_job_resources_held", resources.c.held, resources.c.name)

steps = Table(
    "job_steps",
    metadata,
    _job_id(),
    Column("name", Text, primary_key=True, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", Text, nullable=False),
    _number("attempts"),
    Column("result", Text, nullable=False, server_default="null"),
    _words("error"),
    Column("started_at", Double),
    Column("finished_at", Double),
)

log = Table(
    "job_log",
    metadata,
    _job_id(),
    Column("number", Integer, primary_key=True, nullable=False, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
)

schedules = Table(
    "job_schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    # Empty when the request is made anew at each turn by a factory of this program.
    _words("request"),
    Column("next_at", Double, nullable=False),
    Column("last_at", Double),
    _words("last_job_id"),
)
