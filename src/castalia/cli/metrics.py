"""Measurements of a VM or host as a table."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from castalia.cli.state import STATE

Hours = Annotated[float, typer.Option(help="How far back, in hours.")]
Points = Annotated[int, typer.Option(min=2, max=2000, help="Most lines.")]


def show_metrics(path: str, *, hours: float, points: int) -> None:
    """The means of equal spans of time, the oldest first."""
    from castalia.cli.output import moment, show_list
    from castalia.model.amount import format_mib

    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    columns = [
        ("time (utc)", lambda sample: moment(sample["at"])),
        ("cpu", lambda sample: f"{sample['cpu_fraction']:.1%}"),
        ("memory", lambda sample: format_mib(sample["memory_used_mib"])),
        ("read/s", lambda sample: _bytes(sample["disk_read_bps"])),
        ("written/s", lambda sample: _bytes(sample["disk_write_bps"])),
        ("operations/s", lambda sample: f"{sample['disk_iops']:.0f}"),
        ("received/s", lambda sample: _bytes(sample["net_rx_bps"])),
        ("sent/s", lambda sample: _bytes(sample["net_tx_bps"])),
    ]
    samples = STATE.client.get(f"{path}/metrics", since=since, points=points)
    show_list(samples, columns, empty="Nothing was measured in that time.")


def _bytes(amount: Any) -> str:
    from castalia.model.amount import format_bytes

    return format_bytes(round(amount))
