"""`castalia status`, `castalia events` and `castalia audit`."""

import json
import sys
from typing import Annotated

import typer

from castalia.cli.options import Filter, Limit
from castalia.cli.state import STATE


def events(
    filter: Filter = "",
    limit: Limit = 30,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens now.")] = False,
) -> None:
    """List what happened, newest first."""
    from castalia.cli.output import field, show_list

    if follow:
        _follow()
        return
    columns = [
        ("time", lambda e: e["at"][:19].replace("T", " ")),
        ("severity", field("severity")),
        ("text", field("text")),
        ("by", field("user_name")),
    ]
    items = STATE.client.pages("/event-log", limit=limit, filter=filter)
    show_list(items, columns, empty="Nothing happened yet.", searched=filter)


def audit(filter: Filter = "", limit: Limit = 30) -> None:
    """List who changed what, newest first."""
    from castalia.cli.output import field, show_list

    columns = [
        ("time", lambda e: e["at"][:19].replace("T", " ")),
        ("user", field("user_name")),
        ("from", field("source")),
        ("by", field("channel")),
        ("action", field("action")),
        ("target", field("target")),
        ("outcome", field("outcome")),
    ]
    items = STATE.client.pages("/audit", limit=limit, filter=filter)
    show_list(items, columns, empty="Nothing was changed yet.", searched=filter)


def status() -> None:
    """Show how everything is."""
    from rich.markup import escape

    from castalia.cli.output import console, show_raw
    from castalia.model.amount import format_bytes, format_mib

    view = STATE.client.get("/overview")
    if show_raw(view):
        return
    out, capacity = console(), view["capacity"]
    memory = f"{format_mib(capacity['memory_used_mib'])} of {format_mib(capacity['memory_mib'])}"
    used, total = capacity["storage_used_bytes"], capacity["storage_bytes"]
    for title, counts in (("hosts", view["hosts"]), ("VMs", view["vms"])):
        out.print(f"{title:<9}", ", ".join(f"{n} {state}" for state, n in counts.items()) or "none")
    out.print(f"{'templates':<9} {view['templates']}")
    out.print(f"{'CPU':<9} {capacity['cpu_fraction']:.0%} of {capacity['cpus']} CPUs")
    out.print(f"{'memory':<9} {memory}")
    out.print(f"{'storage':<9} {format_bytes(used)} of {format_bytes(total)}")
    for item in view["attention"]:
        out.print(f"[yellow]{item['severity']}[/] {escape(item['text'])}")
        if item["remedy"]:
            out.print(f"  → {item['remedy']}", markup=False)


def _follow() -> None:
    """Prints events as they happen, until Ctrl-C; comes back when the manager ends the stream."""
    from castalia.cli.output import note, show_raw

    note("Following; Ctrl-C ends it.")
    seen = ""
    while True:
        for id, noun, text in STATE.client.stream("/events", last_id=seen):
            seen = id
            change = json.loads(text)
            if noun == "event" and not show_raw(change):
                typer.echo(f"{change['data']['severity']:<8}  {change['data']['text']}")
            sys.stdout.flush()  # whoever reads a pipe wants it now
