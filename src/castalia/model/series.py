"""Measurements of one subject over a span of time, in slots of equal length; empty slots are NaN.

In memory and packed alike it is one array of 32-bit floats, a field after the other, because ten
thousand of them are kept at once.
"""

import math
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import fields
from operator import attrgetter

from castalia.model.rates import Rates

FIELDS = tuple(field.name for field in fields(Rates))
"""In the order in which they are kept; the CPU fraction comes first."""
_NAN = math.nan
_values_of = attrgetter(*FIELDS)


class Series:
    """Slots from `starts_at` (seconds since 1970) on, `span_s` long in all, each `step_s`."""

    __slots__ = ("_slots", "_values", "span_s", "starts_at", "step_s")

    def __init__(self, *, starts_at: int, span_s: int, step_s: int, data: bytes = b"") -> None:
        """Empty, or as `packed` once gave it. Raises ValueError if `data` is something else."""
        self.starts_at, self.span_s, self.step_s = starts_at, span_s, step_s
        self._slots = -(-span_s // step_s)
        self._values = _unpacked(data) if data else array("f", [_NAN]) * (self._slots * len(FIELDS))
        if len(self._values) != self._slots * len(FIELDS):
            raise ValueError("packed measurements of another length")

    def put(self, at: float, rates: Rates, *, covers_s: float) -> None:
        """Fills the slots of the interval of that length that ended at the moment `at`. Intervals
        that follow each other fill slots that do, however unevenly they were measured."""
        last = max(0, round((at - self.starts_at) / self.step_s) - 1)
        first = min(last, max(0, round((at - covers_s - self.starts_at) / self.step_s)))
        for slot in range(first, last + 1):
            for number, value in enumerate(_values_of(rates)):
                self._values[number * self._slots + slot] = value

    def fill(self, older: "Series") -> None:
        """Takes from `older`, a series of the same shape, what is empty here."""
        for index, value in enumerate(self._values):
            if math.isnan(value):
                self._values[index] = older._values[index]

    def points(self) -> Iterator[tuple[int, Rates]]:
        """The filled slots with the times at which they begin."""
        for slot in range(self._slots):
            values = self._values[slot :: self._slots]
            if not math.isnan(values[0]):
                yield (
                    self.starts_at + slot * self.step_s,
                    Rates(**dict(zip(FIELDS, values, strict=True))),
                )

    def cpu(self) -> Iterator[tuple[int, float]]:
        """Only the CPU fractions of the filled slots: a list of a hundred VMs draws a line for
        each, and the whole rates would take it ten times as long."""
        for slot, value in enumerate(self._values[: self._slots]):
            if value == value:  # not NaN, by the fastest test
                yield self.starts_at + slot * self.step_s, value

    def mean(self) -> Rates | None:
        """The mean of the filled slots; None if all are empty."""
        return mean([rates for _, rates in self.points()])

    def packed(self) -> bytes:
        """The values in a few hundred bytes."""
        return zlib.compress(_little_endian(self._values).tobytes(), level=1)


def mean(rates: list[Rates]) -> Rates | None:
    """The mean of several; None of none."""
    if not rates:
        return None
    columns = zip(*map(_values_of, rates), strict=True)
    means = (sum(column) / len(rates) for column in columns)
    return Rates(**dict(zip(FIELDS, means, strict=True)))


def _unpacked(data: bytes) -> "array[float]":
    values = array("f")
    try:
        values.frombytes(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError("these are no packed measurements") from error
    return _little_endian(values)


def _little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
