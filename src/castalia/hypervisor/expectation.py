"""Waits for a signal that an operation will cause, however soon it comes."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from castalia.hypervisor.driver import HostSignal
from castalia.hypervisor.events import EventRelay


class Expectation:
    """From entering the block on, the first signal that `matches` is kept for `wait`."""

    def __init__(self, relay: EventRelay, matches: Callable[[HostSignal], bool]) -> None:
        self._relay = relay
        self._matches = matches
        self._came = threading.Event()
        self._signal: HostSignal | None = None

    def __enter__(self) -> Self:
        self._relay.listen(self._look)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._relay.unlisten(self._look)

    def wait(self, *, timeout_s: float) -> HostSignal | None:
        """The signal, or None if it did not come in time."""
        self._came.wait(timeout_s)
        return self._signal

    def _look(self, signal: HostSignal) -> None:
        if self._signal is None and self._matches(signal):
            self._signal = signal
            self._came.set()
