"""The server itself: where it may listen, and that it ends while streams are open."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
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


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "castalia")])
    start = datetime.now(UTC) - timedelta(minutes=5)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = directory / "cert.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


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


def test_an_open_stream_over_tls_does_not_keep_the_server_from_ending(
    listener: socket.socket, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    where = ServerSettings(tls_certificate=certificate, tls_key=key)
    server = make_server(streaming_app(), Settings(state_dir=tmp_path, server=where))
    trust = ssl.create_default_context(cafile=str(certificate))
    address = f"https://127.0.0.1:{listener.getsockname()[1]}/events"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.stream("GET", address, verify=trust) as answer:
            pieces = answer.iter_text()
            assert "hello" in next(pieces)
            server.stop()
            assert "".join(pieces) == ""
    finally:
        server.should_exit = True
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert isinstance(server, Server)
