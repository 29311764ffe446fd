"""Work that is due later, done on a bounded number of threads."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

_log = structlog.get_logger()


class Scheduler:
    """Runs callables after a delay. A key stands for one piece of work: while it is due, asking for
    it again does
    nothing, unless it is wanted earlier."""

    def __init__(self, *, workers: int = 16) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scheduler")
        self._heap: list[tuple[float, int, str, Callable[[], None]]] = []
        self._due: dict[str, float] = {}
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begins to run what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Forgets what is not yet due and waits for what runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def after(self, delay_s: float, work: Callable[[], None], *, key: str) -> None:
        """Has `work` done in `delay_s` seconds."""
        due = time.monotonic() + delay_s
        with self._changed:
            if self._stopped or self._due.get(key, float("inf")) <= due:
                return
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._order), key, work))
            self._changed.notify()

    def every(self, interval_s: float, work: Callable[[], None], *, key: str) -> None:
        """Has `work` done each `interval_s` seconds, however it ends."""

        def again() -> None:
            try:
                work()
            finally:
                self.after(interval_s, again, key=key)

        self.after(interval_s, again, key=key)

    def drop(self, key: str) -> None:
        """Forgets work that is not yet due."""
        with self._changed:
            self._due.pop(key, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._ripe():
                    self._changed.wait(self._pause_s())
                if self._stopped:
                    return
                due, _, key, work = heapq.heappop(self._heap)
                if self._due.get(key) != due:
                    continue  # an earlier date, or none, has replaced this one
                del self._due[key]
            self._pool.submit(_guarded, work, key)

    def _ripe(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= time.monotonic()

    def _pause_s(self) -> float | None:
        return max(self._heap[0][0] - time.monotonic(), 0) if self._heap else None


def _guarded(work: Callable[[], None], key: str) -> None:
    try:
        work()
    except Exception:
        _log.exception("scheduled work failed", key=key)
