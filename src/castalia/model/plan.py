"""Plans: what a change would do, asked for before it is done."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARNING = "warning"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that was looked at, what was found, and for anything but OK what to do about it."""

    name: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    code: str = ""
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a job would do. Making one changes nothing."""

    title: str
    checks: tuple[Check, ...] = ()
    steps: tuple[str, ...] = ()
    duration_s: float | None = None
    after: dict[str, str] = field(default_factory=dict)

    @property
    def possible(self) -> bool:
        """Whether nothing stands in the way."""
        return all(check.verdict is not Verdict.BLOCKED for check in self.checks)
