"""Measurements that are not yet in the database: the last counters, the latest rates, and for each
subject the quarter of an hour that is being filled."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from castalia.model.metric import HostCounters, Sample, VmCounters
from castalia.model.rates import Rates, host_rates, vm_rates
from castalia.model.series import Series

FINE_SPAN_S = 900
"""How much time one row of samples holds; also the step of the coarse series."""
REWRITE_S = 60
"""An unfinished series is stored this often; a killed manager loses no more than that."""
_MISSED = 2.5
"""So many intervals without a reading, and there is a gap."""


@dataclass(kw_only=True)
class OpenSeries:
    """A series being filled. `stored` says that the database's part of it was taken in; from
    `due_at` on it is to be written."""

    series: Series
    due_at: float
    dirty: bool = True
    stored: bool = False


@dataclass(kw_only=True)
class _Reading:
    at: float
    host: HostCounters | None
    vms: dict[str, VmCounters]


@dataclass(kw_only=True)
class MetricMemory:
    """Guarded by its owner's lock."""

    step_s: int
    latest: dict[str, Sample] = field(default_factory=dict)
    open: dict[str, OpenSeries] = field(default_factory=dict)
    full: list[tuple[str, OpenSeries]] = field(default_factory=list)
    _readings: dict[str, _Reading] = field(default_factory=dict)

    def take(
        self,
        host_id: str,
        *,
        at: datetime,
        host: HostCounters | None,
        vms: Sequence[VmCounters],
        ids: Mapping[str, str],
    ) -> dict[str, Rates]:
        """Takes in one reading of a host; `ids` maps uuids to VM ids. Returns the rates since the
        reading before, by subject."""
        known = {f"vm:{ids[vm.uuid]}": vm for vm in vms if vm.uuid in ids}
        after = _Reading(at=at.timestamp(), host=host, vms=known)
        before = self._readings.get(host_id)
        self._readings[host_id] = after
        if before is None:
            return {}
        for gone in before.vms.keys() - known.keys():
            self.latest.pop(gone, None)
        rates = _rates(f"host:{host_id}", before, after)
        elapsed_s = after.at - before.at
        for subject, one in rates.items():
            self._put(subject, after.at, one, covers_s=elapsed_s)
            self.latest[subject] = sample(subject, at, one)
        return rates

    def forget_host(self, host_id: str) -> None:
        """The host is away: its next reading begins anew."""
        reading = self._readings.pop(host_id, None)
        for subject in (f"host:{host_id}", *(reading.vms if reading else ())):
            self.latest.pop(subject, None)

    def close_until(self, now: float) -> None:
        """Moves the series whose time is over, late readings included, to `full`."""
        started = now - FINE_SPAN_S - 2 * self.step_s
        over = [s for s, one in self.open.items() if one.series.starts_at <= started]
        self.full += [(subject, self.open.pop(subject)) for subject in over]

    def _put(self, subject: str, at: float, rates: Rates, *, covers_s: float) -> None:
        # what was measured on the stroke belongs to the time before it
        starts_at = int((at - self.step_s / 2) // FINE_SPAN_S) * FINE_SPAN_S
        current = self.open.get(subject)
        if current is None or current.series.starts_at != starts_at:
            if current is not None:
                self.full.append((subject, current))
            series = Series(starts_at=starts_at, span_s=FINE_SPAN_S, step_s=self.step_s)
            due_at = at + zlib.crc32(subject.encode()) % REWRITE_S  # never all at once
            current = self.open[subject] = OpenSeries(series=series, due_at=due_at)
        missed = covers_s > _MISSED * self.step_s
        current.series.put(at, rates, covers_s=self.step_s if missed else covers_s)
        current.dirty = True


def sample(subject: str, at: datetime, rates: Rates) -> Sample:
    """The rates as they are shown."""
    return Sample(
        subject=subject,
        at=at,
        cpu_fraction=rates.cpu_fraction,
        memory_used_mib=round(rates.memory_used_mib),
        memory_mib=round(rates.memory_mib),
        disk_read_bps=rates.disk_read_bps,
        disk_write_bps=rates.disk_write_bps,
        disk_iops=rates.disk_iops,
        net_rx_bps=rates.net_rx_bps,
        net_tx_bps=rates.net_tx_bps,
    )


def _rates(host: str, before: _Reading, after: _Reading) -> dict[str, Rates]:
    found = {
        subject: vm_rates(before.vms[subject], counters, elapsed_s=after.at - before.at)
        for subject, counters in after.vms.items()
        if subject in before.vms
    }
    rates = {subject: one for subject, one in found.items() if one is not None}
    if before.host is not None and after.host is not None:
        own = host_rates(before.host, after.host, vms=list(rates.values()))
        if own is not None:
            rates[host] = own
    return rates
