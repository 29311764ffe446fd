"""How states, amounts and times read on a page: a word, a shape and a colour each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from castalia.model.amount import format_bytes, format_mib

__all__ = ["STATES", "Look", "ago", "duration", "exact", "format_bytes", "format_mib", "look"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """A state's word, the shape of its mark (never told by colour alone) and its colour's name."""

    word: str
    shape: str
    tone: str


def _look(word: str, shape: str, tone: str) -> Look:
    return Look(word=word, shape=shape, tone=tone)


STATES: Mapping[str, Look] = {
    # VMs
    "creating": _look("Creating", "ring", "busy"),
    "running": _look("Running", "disc", "good"),
    "paused": _look("Paused", "bars", "warn"),
    "shutting-down": _look("Shutting down", "down", "busy"),
    "stopped": _look("Stopped", "square", "calm"),
    "suspended": _look("Suspended", "half", "rest"),
    "crashed": _look("Crashed", "triangle", "bad"),
    "unknown": _look("Unknown", "diamond", "warn"),
    # hosts
    "up": _look("Up", "disc", "good"),
    "connecting": _look("Connecting", "ring", "busy"),
    "unreachable": _look("Unreachable", "triangle", "bad"),
    # jobs and steps
    "queued": _look("Waiting", "square", "calm"),
    "succeeded": _look("Done", "tick", "good"),
    "failed": _look("Failed", "triangle", "bad"),
    "cancelled": _look("Cancelled", "cross", "calm"),
    "done": _look("Done", "tick", "good"),
    "undone": _look("Undone", "cross", "calm"),
    "undo-failed": _look("Undo failed", "triangle", "bad"),
    # templates and repositories
    "building": _look("Building", "ring", "busy"),
    "ready": _look("Ready", "disc", "good"),
    "broken": _look("Broken", "triangle", "bad"),
    "active": _look("Active", "disc", "good"),
    "inactive": _look("Inactive", "square", "calm"),
    "missing": _look("Missing", "triangle", "bad"),
    # severities and verdicts
    "info": _look("Info", "disc", "calm"),
    "warning": _look("Warning", "diamond", "warn"),
    "error": _look("Error", "triangle", "bad"),
    "ok": _look("OK", "tick", "good"),
    "blocked": _look("Blocked", "cross", "bad"),
}
_NO_LOOK = Look(word="Unknown", shape="diamond", tone="warn")


def look(state: str) -> Look:
    """The look of any state; one that has none reads as itself."""
    return STATES.get(state) or Look(word=str(state), shape=_NO_LOOK.shape, tone=_NO_LOOK.tone)


def ago(at: datetime | None, *, now: datetime | None = None) -> str:
    """`3 min ago`, `in 2 h`; a dash when it never was."""
    if at is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - _aware(at)).total_seconds()
    if abs(seconds) < 5:
        return "now"
    text = _largest_unit(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def age(at: datetime | None, *, now: datetime | None = None) -> str:
    """`3 min`: the same without a direction, for columns."""
    if at is None:
        return "–"
    return _largest_unit(abs(((now or datetime.now(UTC)) - _aware(at)).total_seconds()))


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def elapsed(start: datetime | None, end: datetime | None) -> str:
    """How long something took, or has taken so far."""
    if start is None:
        return "–"
    return duration(((_aware(end) if end else datetime.now(UTC)) - _aware(start)).total_seconds())


def exact(at: datetime | None) -> str:
    """`2026-03-01 12:30:05 UTC`, for the hover."""
    return _aware(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def percent(fraction: float | None) -> str:
    """`37%`, or a dash when nothing was measured."""
    return "–" if fraction is None else f"{fraction * 100:.0f}%"


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _largest_unit(seconds: float) -> str:
    for size, unit in ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
