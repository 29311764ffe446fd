"""Series for the charts, as columns of numbers; a gap is a null."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter

from castalia.errors import InvalidRequest
from castalia.model.metric import Sample
from castalia.web.visit import ViewerVisit

router = APIRouter(include_in_schema=False)
RANGES = {"1h": 1, "24h": 24, "7d": 24 * 7, "30d": 24 * 30}
_POINTS = 360
_FIELDS = (
    "cpu_fraction",
    "memory_used_mib",
    "memory_mib",
    "disk_read_bps",
    "disk_write_bps",
    "net_rx_bps",
    "net_tx_bps",
)


@router.get("/charts/{noun}/{object_id}")
def series(visit: ViewerVisit, noun: str, object_id: str, range: str = "1h") -> dict[str, Any]:
    """A VM's or host's measurements over one of the ranges that the page offers."""
    hours = RANGES.get(range)
    if hours is None or noun not in {"vm", "host"}:
        raise InvalidRequest("There is no such range.", field="range", remedy="Use 1h, 24h, 7d.")
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    samples = visit.services.metrics.query(
        f"{noun}:{object_id}",
        since=since,
        until=until,
        points=_POINTS,
        principal=visit.principal,
    )
    return {
        "since": since.timestamp(),
        "until": until.timestamp(),
        **columns(samples, step_s=hours * 3600 / _POINTS),
    }


def columns(samples: Sequence[Sample], *, step_s: float) -> dict[str, list[float | None]]:
    """Times and values; where more than three steps have no sample, a row of nulls breaks the
    line."""
    rows: dict[str, list[float | None]] = {"at": [], **{name: [] for name in _FIELDS}}
    before: float | None = None
    longest = max(step_s, 10) * 3
    for sample in samples:
        at = sample.at.timestamp()
        if before is not None and at - before > longest:
            _append(rows, before + step_s, None)
        _append(rows, at, sample)
        before = at
    return rows


def _append(rows: dict[str, list[float | None]], at: float, sample: Sample | None) -> None:
    rows["at"].append(at)
    for name in _FIELDS:
        rows[name].append(None if sample is None else round(float(getattr(sample, name)), 4))
