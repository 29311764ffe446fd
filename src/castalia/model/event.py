"""Events: what happened, for people; and changes, for pages that show live state."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much an event matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened, kept in the database. `kind` is dotted (`vm.started`)."""

    id: str
    at: datetime
    kind: str
    severity: Severity
    subject: str
    subject_name: str
    text: str
    host_id: str = ""
    job_id: str = ""
    user_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """An object changed; whoever shows it should look again. Never stored.

    `noun` is `vm`, `host`, `job`, `template`, `repository`, `network`, `event`, `metrics`
    (what a host and its VMs take now); `verb` is
    `created`, `updated`,
    `deleted`. `data` holds the few fields that a list shows.
    """

    noun: str
    id: str
    verb: str
    data: dict[str, Any] = field(default_factory=dict)
