"""Measurements of VMs and hosts: taken in every few seconds, kept bounded, shown as series."""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from castalia.db import hosts, vms
from castalia.db import metrics as store
from castalia.db.database import Database
from castalia.db.vms import VmLive
from castalia.errors import InvalidRequest
from castalia.model.access import Principal, Role
from castalia.model.clock import now
from castalia.model.host import HostLoad
from castalia.model.metric import HostCounters, Sample, VmCounters
from castalia.model.rates import Rates
from castalia.model.series import Series, mean
from castalia.services.metric_memory import FINE_SPAN_S, MetricMemory, sample
from castalia.services.metric_writer import COARSE_SPAN_S, TURN_S, MetricWriter, series
from castalia.settings import MetricSettings

MAX_POINTS = 2000
_SPARK_S = 1800
T = TypeVar("T")
Points = list[tuple[int, Rates]]
Found = defaultdict[str, list[tuple[int, T]]]
Lives = dict[str, VmLive]
Reader = Callable[[Series], Iterable[tuple[int, T]]]


class MetricService:
    """Callable from any thread. Readings go to memory and are written together, so that 500 hosts
    make one transaction a second and not 50. Nobody who takes in or shows waits for the database.
    """

    def __init__(self, database: Database, *, settings: MetricSettings) -> None:
        self._database = database
        self._settings = settings
        self._guard = threading.Lock()
        self._memory = MetricMemory(step_s=max(1, round(settings.interval_s)))
        self._writer = MetricWriter(memory=self._memory, settings=settings)
        self._writing = threading.Lock()
        self._flushed_s = time.monotonic()
        self._loads: dict[str, HostLoad] = {}
        self._live: dict[str, Lives] = {}
        self._written: dict[str, Lives] = {}

    # --- taking in ---
    def take(
        self,
        host_id: str,
        *,
        at: datetime,
        host: HostCounters | None,
        vms: Sequence[VmCounters],
        vm_ids: Mapping[str, str],
    ) -> None:
        """Takes in what a host counted by the moment `at`, for all its running VMs; `vm_ids` maps
        their uuids to ids. The first reading of a host, or of a VM, gives no rates yet.

        Once a second, the call that finds it due also writes what has come in.
        """
        with self._guard:
            rates = self._memory.take(host_id, at=at, host=host, vms=vms, ids=vm_ids)
            load = rates.get(f"host:{host_id}")
            if load is not None and host is not None:
                self._loads[host_id] = _load(load, host)
            self._live[host_id] = _lives(rates, vms, vm_ids)
            due = time.monotonic() - self._flushed_s >= TURN_S
            if due:
                self._flushed_s = time.monotonic()
        if due:
            self.flush()

    def forget_host(self, host_id: str) -> None:
        """The host is away or removed: nothing is known of what it does now."""
        with self._guard:
            self._memory.forget_host(host_id)
            for held in (self._loads, self._live, self._written):
                held.pop(host_id, None)

    def flush(self) -> None:
        """Writes the live values that changed, and the share of series that is due."""
        self._write(everything=False)

    def close(self) -> None:
        """Writes everything; call when the manager ends."""
        self._write(everything=True)

    # --- showing ---
    def latest(self) -> list[Sample]:
        """The newest sample of every subject that is measured now."""
        with self._guard:
            return list(self._memory.latest.values())

    def query(
        self,
        subject: str,
        *,
        since: datetime,
        until: datetime,
        points: int = 300,
        principal: Principal,
    ) -> list[Sample]:
        """The means over at most `points` steps between two moments, in order. Steps in which
        nothing was measured are left out.

        Raises InvalidRequest naming `points` or `until`.
        """
        principal.require(Role.VIEWER)
        _check(since, until, points)
        start, end = int(since.timestamp()), math.ceil(until.timestamp())
        step_s = max((end - start) / points, self._memory.step_s)
        oldest_fine = now() - timedelta(hours=self._settings.fine_hours)
        coarse = since < oldest_fine or step_s >= FINE_SPAN_S
        found = self._coarse(subject, start, end) if coarse else self._fine([subject], start, end)
        step_s = max(step_s, FINE_SPAN_S) if coarse else step_s
        return [
            sample(subject, datetime.fromtimestamp(at, UTC), rates)
            for at, rates in _steps(found[subject], start, step_s)
        ]

    def sparks(
        self, subjects: Sequence[str], *, points: int = 30, principal: Principal
    ) -> dict[str, tuple[float | None, ...]]:
        """The CPU use of the last half hour in `points` steps, by subject; None where nothing was
        measured. Subjects without any are left out."""
        principal.require(Role.VIEWER)
        end = math.ceil(now().timestamp())
        start, step_s = end - _SPARK_S, _SPARK_S / points
        found = self._recent(subjects, start, end, Series.cpu)
        return {
            subject: _line(measured, start, step_s, points) for subject, measured in found.items()
        }

    # --- inside ---
    def _write(self, *, everything: bool) -> None:
        at = now()
        with self._writing:
            with self._guard:
                share = self._writer.choose(at.timestamp(), everything=everything)
                live, loads, self._live, self._loads = self._live, self._loads, {}, {}
                changed = [one for host_id in live for one in self._news(host_id, live[host_id])]
            try:
                with self._database.write() as connection:
                    vms.set_live(connection, changed)
                    hosts.set_loads(connection, loads, seen_at=at)
                    self._writer.write(connection, share, at.timestamp(), guard=self._guard)
            except BaseException:
                with self._guard:
                    self._writer.failed(share)
                    self._live, self._loads = live | self._live, loads | self._loads
                raise
            with self._guard:
                self._writer.written(share)
                self._written |= live

    def _news(self, host_id: str, live: Lives) -> list[VmLive]:
        written = self._written.get(host_id, {})
        return [one for id, one in live.items() if written.get(id) != one]

    def _coarse(self, subject: str, start: int, end: int) -> Found[Rates]:
        """Quarter hours, and for the last ones, which may not be finished, samples."""
        with self._database.read() as connection:
            found = _stored(connection, [subject], COARSE_SPAN_S, start, end, Series.points)
        measured = found[subject]
        rest = max(start, measured[-1][0] + FINE_SPAN_S if measured else start)
        recent = max(rest, int(now().timestamp()) - 2 * FINE_SPAN_S)
        found[subject] = measured + self._fine([subject], recent, end)[subject]
        return found

    def _fine(self, subjects: Sequence[str], start: int, end: int) -> Found[Rates]:
        return self._recent(subjects, start, end, Series.points)

    def _recent(self, subjects: Sequence[str], start: int, end: int, read: Reader[T]) -> Found[T]:
        """What `read` takes from the samples of these subjects, stored or not yet."""
        with self._database.read() as connection:
            found = _stored(connection, subjects, FINE_SPAN_S, start, end, read)
        wanted = set(subjects)
        with self._guard:
            held = [(s, list(read(one.series))) for s, one in self._memory.full if s in wanted]
            for subject in wanted & self._memory.open.keys():
                held.append((subject, list(read(self._memory.open[subject].series))))
        for subject, measured in held:
            merged = dict(found[subject]) | {at: one for at, one in measured if start <= at < end}
            found[subject] = sorted(merged.items(), key=lambda item: item[0])
        return found


def _stored(
    connection: Connection,
    subjects: Sequence[str],
    span_s: int,
    start: int,
    end: int,
    read: Reader[T],
) -> Found[T]:
    found: Found[T] = defaultdict(list)
    for block in store.between(connection, subjects, span_s=span_s, since=start, until=end):
        found[block.subject] += [(at, x) for at, x in read(series(block)) if start <= at < end]
    return found


def _line(
    measured: Iterable[tuple[int, float]], start: int, step_s: float, points: int
) -> tuple[float | None, ...]:
    steps: defaultdict[int, list[float]] = defaultdict(list)
    for at, value in measured:
        steps[int((at - start) // step_s)].append(value)
    return tuple(
        round(sum(steps[number]) / len(steps[number]), 3) if number in steps else None
        for number in range(points)
    )


def _steps(measured: Points, start: int, step_s: float) -> Points:
    """The mean of each step that holds a measurement, with the time at which the step begins."""
    steps: defaultdict[int, list[Rates]] = defaultdict(list)
    for at, rates in measured:
        steps[int((at - start) // step_s)].append(rates)
    means = ((round(start + number * step_s), mean(rates)) for number, rates in steps.items())
    return sorted(((at, one) for at, one in means if one is not None), key=lambda step: step[0])


def _check(since: datetime, until: datetime, points: int) -> None:
    if since >= until:
        remedy = "Ask for a time that begins before it ends."
        raise InvalidRequest("The time is empty.", field="until", remedy=remedy)
    if not 1 <= points <= MAX_POINTS:
        remedy = f"Ask for 1 to {MAX_POINTS}."
        raise InvalidRequest("This is no usable number of points.", field="points", remedy=remedy)


def _load(rates: Rates, counters: HostCounters) -> HostLoad:
    return HostLoad(
        cpu_fraction=round(rates.cpu_fraction, 3),
        memory_used_mib=counters.memory_used_mib,
        memory_free_mib=counters.memory_free_mib,
    )


def _lives(rates: Mapping[str, Rates], vms: Sequence[VmCounters], ids: Mapping[str, str]) -> Lives:
    found = {}
    for vm in vms:
        id = ids.get(vm.uuid, "")
        if (one := rates.get(f"vm:{id}")) is not None:
            found[id] = _live(id, one, vm)
    return found


def _live(id: str, rates: Rates, counters: VmCounters) -> VmLive:
    """Rounded, so that an idle VM's row is not written again and again."""
    cpu = round(rates.cpu_fraction, 3)
    return VmLive(id=id, cpu_fraction=cpu, memory_used_mib=counters.memory_used_mib)
