"""Runs the app: uvicorn, TLS, and an end that long-lived streams do not delay."""

import ipaddress
import signal
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from castalia.errors import InvalidRequest
from castalia.settings import ServerSettings, Settings

_GRACE_S = 8
_LARGEST_WS_MESSAGE_BYTES = 1024**2
_log = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """A uvicorn server whose event streams and consoles end when it shall stop."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal; uvicorn waits for open requests after it."""
        self._end_streams()
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """Ends the server from any thread, as a signal would."""
        self.handle_exit(signal.SIGTERM, None)

    def _end_streams(self) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)  # noqa: S101 -- `make_server` gives it nothing else
        app.state.changes.close_soon()


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for the app that is ready to `run()`.

    Raises InvalidRequest if it would be reachable from other machines without TLS.
    """
    check_bind(settings.server)
    where = settings.server
    config = uvicorn.Config(
        app,
        host=where.bind,
        port=where.port,
        loop="uvloop",
        http="httptools",
        ssl_certfile=where.tls_certificate,
        ssl_keyfile=where.tls_key,
        access_log=False,
        log_config=None,
        server_header=False,
        ws_max_size=_LARGEST_WS_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return Server(config)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; raises as `make_server` does."""
    server = make_server(app, settings)
    _log.info("serving", bind=settings.server.bind, port=settings.server.port)
    server.run()


def check_bind(where: ServerSettings) -> None:
    """Raises InvalidRequest for an address that others can reach without TLS, and for half a TLS
    configuration."""
    if (where.tls_certificate is None) != (where.tls_key is None):
        remedy = "Set both server.tls_certificate and server.tls_key, or neither."
        raise InvalidRequest("TLS needs a certificate and its key.", field="server", remedy=remedy)
    for path in (where.tls_certificate, where.tls_key):
        if path is not None and not path.is_file():
            remedy = "Correct the path in the settings."
            raise InvalidRequest(f"There is no file {path}.", field="server", remedy=remedy)
    if where.tls_certificate is None and not _is_loopback(where.bind):
        remedy = (
            "Set server.tls_certificate and server.tls_key, or keep server.bind at 127.0.0.1 "
            "and reach it through SSH or a proxy."
        )
        message = f"Castalia does not listen on {where.bind or 'every address'} without TLS."
        raise InvalidRequest(message, field="server.bind", remedy=remedy)


def _is_loopback(bind: str) -> bool:
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return False
