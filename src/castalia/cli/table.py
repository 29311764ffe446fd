"""Tables: whole words for a pipe; on a terminal as many columns as there is room for."""

import sys
from collections.abc import Sequence

_GAP = 2
_NARROWEST = 16
_YIELDING = {"note", "text", "title", "uri", "why", "path", "description"}
"""Columns of sentences: they are cut before any other is left out."""
_COLOURS = {
    "running": "green", "up": "green", "ready": "green", "active": "green", "succeeded": "green",
    "paused": "yellow", "suspended": "yellow", "queued": "yellow", "warning": "yellow",
    "failed": "red", "crashed": "red", "unreachable": "red", "blocked": "red", "error": "red",
}  # fmt: skip


def colour(value: str) -> str:
    """The colour that a word of state is written in; empty for any other."""
    return _COLOURS.get(value, "")


_STEERING = dict.fromkeys(
    [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)
"""C1 controls and the ones of writing direction: they could make a line say something else."""


def harmless(value: str) -> str:
    """The text with a replacement character for each that steers a terminal."""
    return value.translate(_STEERING)


def write_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table to standard output. `titles` are in lower case."""
    if sys.stdout.isatty():
        _for_terminal(titles, rows)
    else:
        sys.stdout.write(plain_table(titles, rows))


def plain_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table in plain text, nothing cut and nothing left out."""
    lines = [[title.upper() for title in titles], *([harmless(cell) for cell in r] for r in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        (" " * _GAP).join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        .rstrip() + "\n"
        for line in lines
    )  # fmt: skip


def fitting(titles: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> list[int]:
    """Which columns to show in `width` characters: none that is empty, and the last ones left out
    if need be. The first always stays."""
    needs = {
        number: _least(title, [row[number] for row in rows])
        for number, title in enumerate(titles)
        if number == 0 or any(row[number] for row in rows)
    }
    while len(needs) > 1 and sum(needs.values()) + _GAP * (len(needs) - 1) > width:
        rigid = [number for number in needs if number and titles[number] not in _YIELDING]
        del needs[max(rigid or list(needs))]
    return list(needs)


def _least(title: str, cells: Sequence[str]) -> int:
    widest = max(map(len, (title, *cells)))
    return min(widest, _NARROWEST) if title in _YIELDING else widest


def _for_terminal(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    shown = fitting(titles, rows, width=console.width)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number in shown:
        least = _least(titles[number], [row[number] for row in rows])
        table.add_column(titles[number].upper(), no_wrap=True, min_width=least)
    for row in rows:
        table.add_row(*(Text(harmless(row[number]), style=colour(row[number])) for number in shown))
    console.print(table)
    left_out = [
        title for number, title in enumerate(titles)
        if number not in shown and any(row[number] for row in rows)
    ]  # fmt: skip
    if left_out:
        console.print(f"no room for: {', '.join(left_out)}", style="dim")
