"""Keeps a driver's signals, and waits for the one that a test expects."""

import threading

from castalia.hypervisor.driver import HostSignal


class Signals:
    """A receiver for `watch`."""

    def __init__(self, *, limit_s: float = 30) -> None:
        self._limit_s = limit_s
        self._changed = threading.Condition()
        self._seen: list[HostSignal] = []
        self._stopped = False

    def __call__(self, signal: HostSignal) -> None:
        with self._changed:
            if not self._stopped:
                self._seen.append(signal)
                self._changed.notify_all()

    def stop(self) -> None:
        """Notes nothing from now on."""
        self._stopped = True

    def clear(self) -> None:
        """Forgets what came so far."""
        with self._changed:
            self._seen.clear()

    def wait(self, kind: str, uuid: str = "", detail: str = "") -> HostSignal:
        """The first signal of this kind; fails if none comes."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(kind, uuid, detail), self._limit_s)
            assert found, f"no {kind} {detail} among {self._seen}"
            return found

    def _find(self, kind: str, uuid: str, detail: str) -> HostSignal | None:
        wanted = (kind, uuid, detail)
        return next((signal for signal in self._seen if _matches(signal, wanted)), None)


def _matches(signal: HostSignal, wanted: tuple[str, str, str]) -> bool:
    kind, uuid, detail = wanted
    return signal.kind == kind and signal.uuid.startswith(uuid) and signal.detail.startswith(detail)
