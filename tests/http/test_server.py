"""The server itself: where it may listen, and that it ends while streams are open."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from castalia.api.server import Server, check_bind, make_server
from castalia.api.sse import ChangeFeed
from castalia.errors import InvalidRequest
from castalia.settings import ServerSettings, Settings


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_needs_no_tls(bind: str) -> None:
    check_bind(ServerSettings(bind=bind))


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_other_addresses_need_tls(bind: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="without TLS") as caught:
        check_bind(ServerSettings(bind=bind))
    assert "tls_certificate" in caught.value.remedy
    pem = tmp_path / "x.pem"
    pem.touch()
    check_bind(ServerSettings(bind=bind, tls_certificate=pem, tls_key=pem))


def test_half_of_tls_is_refused(tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.touch()
    with pytest.raises(InvalidRequest, match="certificate and its key"):
        check_bind(ServerSettings(tls_certificate=pem))
    with pytest.raises(InvalidRequest, match=r"gone\.pem"):
        check_bind(ServerSettings(tls_certificate=pem, tls_key=tmp_path / "gone.pem"))


def streaming_app() -> FastAPI:
    app = FastAPI()
    app.state.changes = ChangeFeed()

    @app.get("/events")
    async def events(request: Request) -> Response:
        app.state.changes.open()
        return StreamingResponse(app.state.changes.stream(), media_type="text/event-stream")

    return app


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_an_open_stream_does_not_keep_the_server_from_ending(
    listener: socket.socket, tmp_path: Path
) -> None:
    server = make_server(streaming_app(), Settings(state_dir=tmp_path))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.stream("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/events") as answer:
            pieces = answer.iter_text()
            assert "hello" in next(pieces)
            server.stop()
            assert "".join(pieces) == ""
    finally:
        server.should_exit = True
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert isinstance(server, Server)
