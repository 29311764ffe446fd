"""Consoles of the in-memory driver: a serial line that echoes, a screen that greets as VNC does."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

GREETING = b"RFB 003.008\n"
PICTURE = b"P6\n1 1\n255\n\x00\x00\x00"
"""A black pixel as PPM."""


class MemorySerial:
    """What is written comes back."""

    def __init__(self, *, on_close: Callable[[], None]) -> None:
        self._changed = threading.Condition()
        self._buffer = bytearray()
        self._closed = False
        self._on_close = on_close

    def read(self, *, timeout_s: float) -> bytes:
        """Bytes that came; empty after `timeout_s` without any; EOFError at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._closed, timeout=timeout_s)
            data = bytes(self._buffer)
            self._buffer.clear()
            if not data and self._closed:
                raise EOFError("the console ended")
            return data

    def write(self, data: bytes) -> None:
        """Sends bytes, which the other end sends back."""
        with self._changed:
            if self._closed:
                raise EOFError("the console ended")
            self._buffer += data
            self._changed.notify_all()

    def close(self) -> None:
        """Gives the console free; twice does no harm."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._on_close()


@contextlib.contextmanager
def greeting_screen() -> Iterator[int]:
    """A connected socket's descriptor, from which a VNC server's greeting can be read."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(GREETING)
        descriptor = theirs.detach()
        try:
            yield descriptor
        finally:
            os.close(descriptor)
