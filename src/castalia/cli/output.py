"""Answers as tables for people, JSON and YAML for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from castalia.cli.state import STATE, Format
from castalia.cli.table import write_table

if TYPE_CHECKING:
    from rich.console import Console

Column = tuple[str, Callable[[dict[str, Any]], str]]


def console() -> "Console":
    """Standard output; plain when it is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 10_000  # a pipe gets whole words, not 80 columns
    return Console(highlight=False, width=width)


def note(text: str) -> None:
    """A remark for people, on standard error."""
    sys.stderr.write(text + "\n")


def show_list(
    rows: Iterable[dict[str, Any]], columns: Sequence[Column], *, empty: str, searched: str = ""
) -> None:
    """A list; `empty` says what to do when there is nothing, unless that was searched for."""
    items = list(rows)
    if STATE.format is not Format.TABLE:
        _dump(items)
    elif not items:
        note("Nothing matches." if searched else empty)
    else:
        write_table(
            [title for title, _ in columns],
            [[value(item) for _, value in columns] for item in items],
        )


def show_object(item: Mapping[str, Any], rows: Sequence[tuple[str, str]]) -> None:
    """One object: `rows` are its labels and values for people."""
    if STATE.format is not Format.TABLE:
        _dump(item)
        return
    width = max((len(label) for label, _ in rows), default=0)
    out = console()
    from rich.text import Text

    for label, value in rows:
        if value:
            out.print(Text.assemble((f"{label:<{width}}  ", "dim"), _word(value)))


def show_raw(item: Any) -> bool:
    """Writes `item` if a program asked for it; says whether it did."""
    if STATE.format is Format.TABLE:
        return False
    _dump(item)
    return True


def _dump(item: Any) -> None:
    if STATE.format is Format.JSON:
        sys.stdout.write(json.dumps(item, indent=2, ensure_ascii=False) + "\n")
        return
    import yaml

    yaml.safe_dump(item, sys.stdout, sort_keys=False, allow_unicode=True)


def _word(value: str) -> Any:
    from rich.text import Text

    from castalia.cli.table import colour, harmless

    return Text(harmless(value), style=colour(value))


def field(name: str) -> Callable[[dict[str, Any]], str]:
    """Reads a field of an item; a dotted name goes down into it."""

    def read(item: dict[str, Any]) -> str:
        value: Any = item
        for part in name.split("."):
            value = (value or {}).get(part)
        return _plain(value)

    return read


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)


def age(moment: str | None) -> str:
    """How long ago a time stamp was: `3 min`."""
    if not moment:
        return ""
    from datetime import UTC, datetime

    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{max(int(seconds / unit), 0)} {name}"
    return f"{int(seconds / 86400)} d"


def moment(stamp: str | None) -> str:
    """A time stamp to the minute, in UTC as everywhere: `2026-01-31 14:05`."""
    return stamp[:16].replace("T", " ") if stamp else ""
