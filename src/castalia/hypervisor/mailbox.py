"""Hands signals to their receivers in order, away from libvirt's event thread.

A receiver may call the driver, which must never happen on the event thread. All mailboxes share a
few threads, so that 500 hosts do not need 500 of them; one mailbox is served by one thread at a
time, which keeps the order.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
_POSTMEN = ThreadPoolExecutor(max_workers=4, thread_name_prefix="host-signals")

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items wait here until `receive` saw the ones before. One that equals the last that waits is
    dropped."""

    def __init__(self, receive: Callable[[T], None]) -> None:
        self._receive = receive
        self._lock = threading.Lock()
        self._waiting: deque[T] = deque()
        self._served = False

    def put(self, item: T) -> None:
        """Leaves an item; never blocks."""
        with self._lock:
            if self._waiting and self._waiting[-1] == item:
                return
            self._waiting.append(item)
            if self._served:
                return
            self._served = True
        try:
            _POSTMEN.submit(self._serve)
        except RuntimeError:  # the interpreter is going down; nobody is left to be told
            self._served = False

    def _serve(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._receive(item)
            except Exception:
                _log.exception("a receiver of host signals failed")

    def _next(self) -> T | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._served = False
            return None
