"""Writes measurements to the database, a share at each turn so that no turn holds it for long."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from castalia.db import metrics as store
from castalia.db.metrics import Block
from castalia.model.series import Series
from castalia.services.metric_memory import FINE_SPAN_S, REWRITE_S, MetricMemory, OpenSeries
from castalia.settings import MetricSettings

COARSE_SPAN_S = 86_400
_FULL_AT_ONCE = 500
_PRUNE_S = 3600.0
TURN_S = 1.0
"""How often there is a turn, at most."""

Item = tuple[str, OpenSeries]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one turn writes: series whose time is over, and some that go on."""

    finished: list[Item]
    unfinished: list[Item]


@dataclass(kw_only=True)
class MetricWriter:
    """Writes what is in the memory. One turn is `choose`, `write`, and `written` or `failed`; all
    but `write` run under the memory's lock."""

    memory: MetricMemory
    settings: MetricSettings
    pruned_at: float = 0.0

    def choose(self, now: float, *, everything: bool = False) -> Share:
        """What is due: unfinished series now and then, finished ones; `everything` when the manager
        ends."""
        self.memory.close_until(now)
        share = Share(
            finished=self.memory.full[: None if everything else _FULL_AT_ONCE],
            unfinished=[
                (subject, one)
                for subject, one in self.memory.open.items()
                if one.dirty and (everything or one.due_at <= now)
            ],
        )
        for _, one in share.unfinished:
            one.dirty = False  # what is measured from now on makes it so again
            one.due_at = now + REWRITE_S
        return share

    def write(
        self,
        connection: Connection,
        share: Share,
        now: float,
        *,
        guard: AbstractContextManager[Any],
    ) -> None:
        """Stores the share, finished series with their mean. `guard` is the memory's lock, held
        only for moments: a series that goes on may get a measurement meanwhile."""
        items = share.finished + share.unfinished
        self._take_in(connection, [(s, one) for s, one in items if not one.stored], guard)
        store.put(connection, [block(subject, one.series) for subject, one in items])
        self._store_means(connection, share.finished)
        if now - self.pruned_at >= _PRUNE_S:
            self._prune(connection, now)
            self.pruned_at = now

    def written(self, share: Share) -> None:
        """The share is safe: finished series need not be kept any more."""
        del self.memory.full[: len(share.finished)]

    def failed(self, share: Share) -> None:
        """Nothing of the share was stored: another turn does it."""
        for _, one in share.unfinished:
            one.dirty = True

    def _take_in(
        self, connection: Connection, items: list[Item], guard: AbstractContextManager[Any]
    ) -> None:
        """What an earlier run of the manager stored of the same span."""
        if not items:
            return
        since = min(one.series.starts_at for _, one in items)
        until = max(one.series.starts_at for _, one in items) + 1
        for part in _parts([subject for subject, _ in items]):
            stored = store.between(connection, part, span_s=FINE_SPAN_S, since=since, until=until)
            earlier = {(b.subject, b.starts_at, b.step_s): b for b in stored}
            for subject, one in items:
                found = earlier.get((subject, one.series.starts_at, one.series.step_s))
                if found is not None:
                    with guard:
                        one.series.fill(series(found))
        for _, one in items:
            one.stored = True

    def _store_means(self, connection: Connection, items: list[Item]) -> None:
        """Puts the mean of each finished quarter of an hour into its day."""
        days: dict[tuple[str, int], Series] = {}
        for day in {_day(one.series.starts_at) for _, one in items}:
            subjects = [s for s, one in items if _day(one.series.starts_at) == day]
            for part in _parts(subjects):
                for found in store.between(
                    connection, part, span_s=COARSE_SPAN_S, since=day, until=day + 1
                ):
                    days[found.subject, day] = series(found)
        for subject, one in items:
            mean, day = one.series.mean(), _day(one.series.starts_at)
            if mean is not None:
                fresh = Series(starts_at=day, span_s=COARSE_SPAN_S, step_s=FINE_SPAN_S)
                ended = one.series.starts_at + FINE_SPAN_S
                days.setdefault((subject, day), fresh).put(ended, mean, covers_s=FINE_SPAN_S)
        store.put(connection, [block(subject, one) for (subject, _), one in days.items()])

    def _prune(self, connection: Connection, now: float) -> None:
        before = {
            FINE_SPAN_S: int(now) - self.settings.fine_hours * 3600 - FINE_SPAN_S,
            COARSE_SPAN_S: int(now) - self.settings.coarse_days * 86_400 - COARSE_SPAN_S,
        }
        store.prune(connection, before=before)


def block(subject: str, series: Series) -> Block:
    """The series as a row."""
    return Block(
        subject=subject,
        span_s=series.span_s,
        starts_at=series.starts_at,
        step_s=series.step_s,
        data=series.packed(),
    )


def series(stored: Block) -> Series:
    """The row as a series."""
    return Series(
        starts_at=stored.starts_at,
        span_s=stored.span_s,
        step_s=stored.step_s,
        data=stored.data,
    )


def _day(at: int) -> int:
    return at // COARSE_SPAN_S * COARSE_SPAN_S


def _parts(subjects: list[str], size: int = 500) -> Iterable[list[str]]:
    return (subjects[start : start + size] for start in range(0, len(subjects), size))
