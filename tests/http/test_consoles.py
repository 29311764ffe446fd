"""The console bridges over real sockets and a serial line in memory; only the services behind them
are stand-ins."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from castalia.api import examples
from castalia.console import bridge, router
from castalia.errors import Conflict, HostUnreachable, NotFound, Unauthenticated
from castalia.hypervisor.driver import SerialStream
from castalia.model.vm import Vm

VM_ID = examples.VM.id


class Line:
    """A serial line that remembers what it was told."""

    def __init__(self) -> None:
        self.from_guest: queue.Queue[bytes | None] = queue.Queue()
        self.to_guest: queue.Queue[bytes] = queue.Queue()
        self.closed = threading.Event()

    def read(self, *, timeout_s: float) -> bytes:
        try:
            data = self.from_guest.get(timeout=timeout_s)
        except queue.Empty:
            return b""
        if data is None:
            raise EOFError
        return data

    def write(self, data: bytes) -> None:
        self.to_guest.put(data)

    def close(self) -> None:
        self.closed.set()


@dataclass
class Consoles:
    """Every ticket but `bad` is good; the screen is one end of a socket pair."""

    lines: list[Line] = field(default_factory=list)
    graphics_closed: threading.Event = field(default_factory=threading.Event)
    screens: "queue.Queue[socket.socket]" = field(default_factory=queue.Queue)
    opened: "queue.Queue[Line]" = field(default_factory=queue.Queue)
    failure: Exception | None = None
    revoked: bool = False

    def check(self, ticket: SimpleNamespace) -> None:
        assert ticket.vm is examples.VM
        if self.revoked:
            raise Unauthenticated("The session has ended.")

    def redeem(self, ticket: str, kind: str) -> SimpleNamespace:
        if ticket != "good":
            raise Unauthenticated("The ticket is no longer good.")
        return SimpleNamespace(vm=examples.VM, kind=kind)

    @contextmanager
    def open_graphics(self, vm: Vm) -> Iterator[int]:
        if self.failure:
            raise self.failure
        ours, guests = socket.socketpair()
        with ours, guests:
            self.screens.put(guests)
            yield ours.fileno()
        self.graphics_closed.set()

    def open_serial(self, vm: Vm, *, force: bool = False) -> SerialStream:
        if self.failure:
            raise self.failure
        self.lines.append(Line())
        self.opened.put(self.lines[-1])
        return self.lines[-1]


@pytest.fixture
def consoles() -> Consoles:
    return Consoles()


@pytest.fixture
def client(consoles: Consoles) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    app.state.services = SimpleNamespace(consoles=consoles)
    with TestClient(app) as client:
        yield client


def address(kind: str, *, ticket: str = "good", id: str = VM_ID, more: str = "") -> str:
    return f"/console/vms/{id}/{kind}?ticket={ticket}{more}"


def close_code(session: WebSocketTestSession) -> tuple[int, str]:
    with pytest.raises(WebSocketDisconnect) as caught:
        session.receive_bytes()
    return caught.value.code, caught.value.reason


def test_the_screens_bytes_go_both_ways(client: TestClient, consoles: Consoles) -> None:
    with client.websocket_connect(address("vnc"), subprotocols=["binary"]) as session:
        assert session.accepted_subprotocol == "binary"
        session.send_bytes(b"RFB 003.008\n")
        guest = consoles.screens.get(timeout=5)
        assert guest.recv(64) == b"RFB 003.008\n"
        threading.Thread(target=guest.sendall, args=(b"\x00" * 300_000,)).start()
        received = b""
        while len(received) < 300_000:
            received += session.receive_bytes()
        assert received == b"\x00" * 300_000
    assert consoles.graphics_closed.wait(5)


def test_a_screen_that_ends_says_so(client: TestClient, consoles: Consoles) -> None:
    with client.websocket_connect(address("vnc")) as session:
        session.send_bytes(b"x")
        guest = consoles.screens.get(timeout=5)
        assert guest.recv(1) == b"x"
        guest.shutdown(socket.SHUT_RDWR)
        assert close_code(session) == (4404, "the console ended")
    assert consoles.graphics_closed.wait(5)


def test_the_serial_line_takes_text_and_bytes_and_answers_bytes(
    client: TestClient, consoles: Consoles
) -> None:
    with client.websocket_connect(address("serial")) as session:
        session.send_text("ls é\r")
        session.send_bytes(b"\xff\x03")
        line = consoles.opened.get(timeout=5)
        assert line.to_guest.get(timeout=5) == "ls é\r".encode()
        assert line.to_guest.get(timeout=5) == b"\xff\x03"
        line.from_guest.put(b"\x80bin")
        assert session.receive_bytes() == b"\x80bin"
    assert line.closed.wait(5)


def test_the_end_of_the_serial_line_is_told(client: TestClient, consoles: Consoles) -> None:
    with client.websocket_connect(address("serial")) as session:
        consoles.opened.get(timeout=5).from_guest.put(None)
        assert close_code(session)[0] == 4404


def test_a_second_reader_is_told_that_the_line_is_taken(
    client: TestClient, consoles: Consoles
) -> None:
    with client.websocket_connect(address("serial")) as first:
        consoles.opened.get(timeout=5)
        with client.websocket_connect(address("serial")) as second:
            code, reason = close_code(second)
            assert code == 4409
            assert "Somebody else" in reason
        consoles.lines[0].from_guest.put(b"still mine")
        assert first.receive_bytes() == b"still mine"


def test_who_comes_with_force_takes_the_line_over(client: TestClient, consoles: Consoles) -> None:
    with client.websocket_connect(address("serial")) as first:
        consoles.opened.get(timeout=5)
        with client.websocket_connect(address("serial", more="&force=true")) as second:
            assert close_code(first)[0] == 4409
            line = consoles.opened.get(timeout=5)
            assert consoles.lines[0].closed.is_set()
            line.from_guest.put(b"login:")
            assert second.receive_bytes() == b"login:"


def test_a_line_that_was_left_can_be_had_again(client: TestClient, consoles: Consoles) -> None:
    for _ in range(2):
        with client.websocket_connect(address("serial")):
            line = consoles.opened.get(timeout=5)
        assert line.closed.wait(5)


@pytest.mark.parametrize("kind", ["vnc", "serial"])
def test_a_bad_ticket_opens_nothing(client: TestClient, consoles: Consoles, kind: str) -> None:
    with client.websocket_connect(address(kind, ticket="bad")) as session:
        assert close_code(session)[0] == 4401
    assert consoles.screens.empty()
    assert not consoles.lines


def test_a_ticket_opens_only_its_own_vm(client: TestClient, consoles: Consoles) -> None:
    with client.websocket_connect(address("vnc", id="other")) as session:
        assert close_code(session)[0] == 4404
    assert consoles.screens.empty()


def test_another_sites_page_gets_no_console(client: TestClient, consoles: Consoles) -> None:
    headers = {"Origin": "https://evil.example.org"}
    with client.websocket_connect(address("vnc"), headers=headers) as session:
        assert close_code(session)[0] == 4403
    assert consoles.screens.empty()


@pytest.mark.parametrize("kind", ["vnc", "serial"])
@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (NotFound("The VM is gone."), 4404),
        (Conflict("Somebody else has it."), 4409),
        (HostUnreachable("Host h1 is away. " * 20), 4503),
    ],
)
def test_a_console_that_does_not_open_says_why(
    client: TestClient, consoles: Consoles, kind: str, failure: Exception, code: int
) -> None:
    consoles.failure = failure
    with client.websocket_connect(address(kind)) as session:
        told, reason = close_code(session)
    assert told == code
    assert str(failure).startswith(reason)


@pytest.mark.parametrize("kind", ["vnc", "serial"])
def test_a_console_ends_with_the_right_to_it(
    client: TestClient, consoles: Consoles, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(bridge, "RECHECK_S", 0.01)
    with client.websocket_connect(address(kind)) as session:
        consoles.revoked = True
        assert close_code(session) == (4401, "The session has ended.")


def test_silence_ends_a_console(
    client: TestClient, consoles: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = {"idle_s": 0.01, "recheck_s": None}
    monkeypatch.setattr(bridge.Watch.__init__, "__kwdefaults__", defaults)
    with client.websocket_connect(address("serial")) as session:
        assert close_code(session)[0] == bridge.IDLE_CODE
    assert consoles.lines[0].closed.wait(5)
