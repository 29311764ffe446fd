"""The manager as a process: serve, start in the background, stop, and the first administrator.

The command line runs this module as a program: `python -m castalia.daemon VERB`; see
`castalia.verbs`.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from castalia import settings as settings_module
from castalia import verbs
from castalia.errors import Conflict, InvalidRequest
from castalia.settings import Settings

# Only against hanging: a start that fails is seen at once, and a busy machine may need a minute.
_START_LIMIT_S = 180.0
_STOP_LIMIT_S = 20.0
_POLL_S = 0.05


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    known: dict[str, Callable[[Settings], dict[str, Any] | None]] = {
        "serve": _serve,
        "start": _start,
        "stop": _stop,
        "first-admin": _first_admin,
        "reset-password": _reset_password,
    }
    return verbs.answer(lambda: known[arguments.verb](_settings(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="castalia serve", description="Runs the manager.")
    parser.add_argument("verb", help=argparse.SUPPRESS)
    parser.add_argument("--state-dir", type=Path, help="where the manager keeps its data")
    parser.add_argument("--bind", help="address to listen on; loopback unless TLS is given")
    parser.add_argument("--port", type=int, help="TCP port")
    parser.add_argument("--tls-certificate", type=Path, help="PEM file of the certificate chain")
    parser.add_argument("--tls-key", type=Path, help="PEM file of the private key")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    names = ("bind", "port", "tls_certificate", "tls_key")
    server = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    overrides: dict[str, Any] = {"server": server} if server else {}
    if arguments.state_dir is not None:
        overrides["state_dir"] = arguments.state_dir
    try:
        return settings_module.load(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidRequest(
            f"The setting {field} cannot be used: {first['msg']}",
            remedy=f"Mend it in {settings_module.config_file()}, the environment, or the options.",
        ) from error


def _url(settings: Settings) -> str:
    scheme = "https" if settings.server.tls_certificate else "http"
    return f"{scheme}://{settings.server.bind}:{settings.server.port}"


def _pid_file(settings: Settings) -> Path:
    return settings.state_dir / "manager.pid"


def _serve(settings: Settings) -> None:
    from castalia.bootstrap import run

    settings.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    run(settings, on_ready=lambda: _pid_file(settings).write_text(str(os.getpid())))


def _start(settings: Settings) -> dict[str, Any]:
    """Starts the manager unless it runs, and waits until it answers."""
    url = _url(settings)
    log = settings.state_dir / "log" / "start.log"
    facts = {
        "url": url,
        "log": str(log.parent / "castalia.log"),
        "uri": "qemu:///system" if os.geteuid() == 0 else "qemu:///session",
        "ca_file": str(settings.server.tls_certificate or ""),
    }
    with _probe(settings) as client:
        if _ready(client):
            return facts | {"running_before": True}
        _await_ready(client, _launch(settings, log), log)
    return facts | {"running_before": False}


def _launch(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "castalia.daemon", "serve", *_again(settings)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _await_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while not _ready(client):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise _not_started(log)
        time.sleep(_POLL_S)


def _not_started(log: Path) -> Conflict:
    lines = log.read_text(errors="replace").strip().splitlines()
    if lines and lines[0].startswith("Error: "):
        message = lines[0].removeprefix("Error: ")
        remedy = "\n".join(lines[1:]).strip().removeprefix("→ ")
        return Conflict(f"The manager did not start: {message}", remedy=remedy)
    return Conflict("The manager did not start.", remedy=f"The reason stands in {log}.")


def _again(settings: Settings) -> list[str]:
    """The options that make the child's settings the same as ours."""
    server = settings.server
    options = ["--state-dir", str(settings.state_dir), "--bind", server.bind]
    options += ["--port", str(server.port)]
    if server.tls_certificate and server.tls_key:
        options += ["--tls-certificate", str(server.tls_certificate)]
        options += ["--tls-key", str(server.tls_key)]
    return options


def _probe(settings: Settings) -> httpx.Client:
    """One client for all attempts: making one takes a hundred times as long as asking, and that
    on a machine that is busy starting. A proxy of the environment cannot know this machine."""
    verify = str(settings.server.tls_certificate) if settings.server.tls_certificate else True
    return httpx.Client(base_url=_url(settings), verify=verify, timeout=2.0, trust_env=False)


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def _stop(settings: Settings) -> dict[str, Any]:
    """Ends the manager and waits for it. VMs are not touched."""
    pid = _running_pid(settings)
    if pid is None:
        return {"stopped": False}
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_LIMIT_S
    while _running_pid(settings) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    return {"stopped": True}


def _running_pid(settings: Settings) -> int | None:
    """The manager's process, if the PID file is right: PIDs are used again."""
    try:
        pid = int(_pid_file(settings).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"castalia.daemon" in command else None


def _first_admin(settings: Settings) -> dict[str, Any]:
    """Makes the first administrator if there is none, and a token for the command line."""
    from castalia.bootstrap import first_admin

    return first_admin(settings)


def _reset_password(settings: Settings) -> dict[str, Any]:
    """Gives the administrator a new password; for whoever has lost it and may run this."""
    from castalia.bootstrap import reset_admin_password

    return reset_admin_password(settings)


if __name__ == "__main__":
    sys.exit(main())
