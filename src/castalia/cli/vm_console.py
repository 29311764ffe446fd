"""The serial console in this terminal."""

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from castalia.cli.client import on_this_machine
from castalia.cli.failures import CommandFailed, Exit
from castalia.cli.options import address
from castalia.cli.output import note
from castalia.cli.state import STATE

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_LEAVE = b"\x1d"  # Ctrl-], as telnet and virsh have it


def attach(vm: str, *, force: bool = False) -> None:
    """Connects keyboard and screen with the guest's serial line until Ctrl-]."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect
    from websockets.typing import Origin

    answer = STATE.client.change("POST", f"/vms/{address(vm)}/tickets", json={"kind": "serial"})
    scheme, _, rest = STATE.client.url.partition("://")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{answer['url']}"
    note(f"Connected to {vm}. Leave with Ctrl-]. Press Enter for a prompt.")
    try:
        with (
            connect(
                url + ("&force=true" if force else ""),
                origin=Origin(STATE.client.url),
                ssl=STATE.client.tls(),
                proxy=None if on_this_machine(url) else True,
            ) as socket,
            _raw(),
        ):
            _relay(socket)
    except (OSError, WebSocketException) as error:
        raise CommandFailed(
            f"The console of {vm} cannot be opened: {error}", code=Exit.UNREACHABLE
        ) from error
    note("\nLeft the console; the VM runs on.")


def _relay(socket: "ClientConnection") -> None:
    ended = threading.Event()
    reader = threading.Thread(target=_to_screen, args=(socket, ended), daemon=True)
    reader.start()
    for data in _typed(ended):
        if _LEAVE in data:
            return
        socket.send(data)


def _to_screen(socket: "ClientConnection", ended: threading.Event) -> None:
    try:
        for message in socket:
            content = message.encode() if isinstance(message, str) else message
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
    finally:
        ended.set()


def _typed(ended: threading.Event) -> Iterator[bytes]:
    keyboard = sys.stdin.fileno()
    while not ended.is_set():
        ready, _, _ = select.select([keyboard], [], [], 0.2)
        if ready:
            data = os.read(keyboard, 4096)
            if not data:
                return
            yield data


@contextmanager
def _raw() -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
