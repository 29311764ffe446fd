"""The one thread that runs libvirt's event loop for the whole process.

libvirt allows a single event loop per process, and it must be there before the first connection is
opened. Callbacks arrive on this thread; they must never call libvirt, which would wait for itself.
"""

import atexit
import logging
import threading

import libvirt

_log = logging.getLogger(__name__)
_JOIN_S = 2.0


class EventLoop:
    """libvirt's default event loop in a daemon thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def ensure_running(self) -> None:
        """Starts the loop unless it runs; cheap afterwards."""
        with self._lock:
            if self._thread is None:
                # Without a handler libvirt writes every error to standard error by itself.
                libvirt.registerErrorHandler(_ignore_error, None)
                libvirt.virEventRegisterDefaultImpl()
                self._thread = threading.Thread(
                    target=self._run, name="libvirt-events", daemon=True
                )
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Ends the thread, so that none of its callbacks runs while the interpreter goes down."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._stopping = True
        libvirt.virEventAddTimeout(0, _wake, None)
        thread.join(timeout=_JOIN_S)

    def _run(self) -> None:
        while not self._stopping:
            try:
                libvirt.virEventRunDefaultImpl()
            except libvirt.libvirtError:
                _log.exception("libvirt's event loop stumbled")


def _ignore_error(_context: object, _error: object) -> None:
    """Errors arrive as exceptions, too."""


def _wake(_timer: int, _opaque: object) -> None:
    """Only there to end the loop's wait."""


EVENT_LOOP = EventLoop()
