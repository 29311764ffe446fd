"""A guest's serial console over a libvirt stream.

libvirt's event thread fills a buffer as bytes arrive; the reader takes them out. A reader that does
not keep up makes the thread stop taking bytes, so the guest waits and nothing is lost.
"""

import contextlib
import threading
import time

import libvirt

from castalia.errors import HypervisorError
from castalia.hypervisor.libvirt_errors import translated

_BUFFER_BYTES = 256 * 1024
_BLOCK = 16 * 1024
_SEND_S = 10.0
_WOULD_BLOCK = -2
_READABLE = libvirt.VIR_STREAM_EVENT_READABLE
_WRITABLE = libvirt.VIR_STREAM_EVENT_WRITABLE
_ENDED = libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP


class LibvirtSerial:
    """Both directions of a console; one reader and one writer may use it at the same time."""

    def __init__(self, stream: libvirt.virStream) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._buffer = bytearray()
        self._watched = _READABLE
        self._ended = False
        self._closed = False
        stream.eventAddCallback(_READABLE | _ENDED, _on_event, self)

    def read(self, *, timeout_s: float) -> bytes:
        """Bytes that the guest wrote; empty after `timeout_s` without any; EOFError at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._ended, timeout=timeout_s)
            data = bytes(self._buffer)
            self._buffer.clear()
            if not data and self._ended:
                raise EOFError("the console ended")
            self._watch(self._watched | _READABLE)
            return data

    def write(self, data: bytes) -> None:
        """Sends bytes to the guest. Raises HypervisorError if the guest takes none for 10 s."""
        rest, deadline = memoryview(data), time.monotonic() + _SEND_S
        while rest:
            with self._changed:
                sent = self._send(bytes(rest[:_BLOCK]))
                if sent == 0 and not self._writable_before(deadline):
                    raise HypervisorError("The guest does not take any input.")
            rest = rest[sent:]

    def close(self) -> None:
        """Gives the console free; twice does no harm."""
        with self._changed:
            if self._closed:
                return
            self._closed = self._ended = True
            self._changed.notify_all()
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.eventRemoveCallback()
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.abort()

    # --- inside; the condition is held ---

    def _send(self, block: bytes) -> int:
        if self._ended:
            raise EOFError("the console ended")
        with translated("writing to the console"):
            sent = int(self._stream.send(block))
        return 0 if sent == _WOULD_BLOCK else sent

    def _writable_before(self, deadline: float) -> bool:
        self._watch(self._watched | _WRITABLE)
        return self._changed.wait_for(
            lambda: not self._watched & _WRITABLE or self._ended,
            timeout=max(deadline - time.monotonic(), 0),
        )

    def _watch(self, events: int) -> None:
        if events != self._watched and not self._ended:
            self._watched = events
            self._stream.eventUpdateCallback(events | _ENDED)

    def _on_readable(self) -> None:
        if len(self._buffer) >= _BUFFER_BYTES:
            self._watch(self._watched & ~_READABLE)
            return
        data = self._stream.recv(_BLOCK)
        if data == _WOULD_BLOCK:
            return
        self._buffer += data
        self._ended = self._ended or not data

    def on_event(self, events: int) -> None:
        """What libvirt's event thread calls."""
        with self._changed:
            try:
                if events & _WRITABLE:
                    self._watch(self._watched & ~_WRITABLE)
                if events & _READABLE:
                    self._on_readable()
                self._ended = self._ended or bool(events & _ENDED)
            except libvirt.libvirtError:
                self._ended = True
            if self._ended and not self._closed:
                with contextlib.suppress(libvirt.libvirtError):
                    self._stream.eventUpdateCallback(0)  # a dead stream would call for ever
            self._changed.notify_all()


def _on_event(_stream: libvirt.virStream, events: int, serial: LibvirtSerial) -> None:
    serial.on_event(events)
