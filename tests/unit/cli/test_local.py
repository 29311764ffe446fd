"""`castalia up`, `down` and `serve`, with the manager's process and libvirt left out."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.cli.fake_manager import FakeManager, Run, job

from castalia.cli import config, follow, libvirt_daemons, local

URI = "qemu:///system"
HOST = {"id": "h", "name": "here", "uri": URI, "facts": None}
VM = {
    "name": "hello", "state": "running", "agent_connected": True,
    "addresses": [
        {"ip": "fe80::1", "source": "agent"},
        {"ip": "10.0.0.9", "source": "lease"},
        {"ip": "10.0.0.7", "source": "agent"},
    ],
}  # fmt: skip
STARTED = {"url": "http://manager", "log": "/log", "uri": URI, "running_before": False}


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch, manager: FakeManager) -> list[str]:
    """What was asked of the manager's process; it answers like a new installation."""
    asked: list[str] = []
    answers = {
        "start": STARTED,
        "stop": {"stopped": True},
        "first-admin": {"user": "admin", "password": "pw-once", "token": "cst_new"},
    }

    def daemon(verb: str, *_arguments: str) -> Any:
        asked.append(verb)
        return answers[verb]

    monkeypatch.setattr(local, "_daemon", daemon)
    monkeypatch.setattr(local, "_forget_client", lambda: None)
    monkeypatch.setattr(libvirt_daemons, "ensure_running", lambda: "runs already")
    monkeypatch.setattr(follow.time, "sleep", lambda _seconds: None)
    manager.on("GET", "/session", {"user_name": "admin"})
    manager.on("GET", "/jobs/j1", job())
    return asked


def test_up_makes_everything_and_shows_the_password_once(
    castalia: Run, manager: FakeManager, verbs: list[str]
) -> None:
    empty: dict[str, Any] = {"items": [], "next_cursor": ""}
    manager.on("GET", "/hosts", empty, {"items": [HOST], "next_cursor": ""})
    manager.on("GET", "/templates", empty)
    manager.on("GET", "/vms", empty)
    manager.on("GET", "/vms/hello", VM)
    for noun in ("hosts", "templates", "vms"):
        manager.on("POST", f"/{noun}", job(state="queued"), status=202)

    outcome = castalia("up")

    assert outcome.code == 0
    assert verbs == ["start", "first-admin"]
    assert "admin / pw-once" in outcome.out
    assert "hello      10.0.0.7" in outcome.out
    assert config.chosen().token == "cst_new"
    assert "pw-once" not in config.config_path().read_text()


def test_up_again_changes_nothing(castalia: Run, manager: FakeManager, verbs: list[str]) -> None:
    known = config.Context(url="http://manager", token="cst_old")
    config.save(config.Config(current="local", contexts={"local": known}))
    manager.page("/hosts", HOST)
    manager.page("/templates", {"name": "micro"})
    manager.page("/vms", VM)
    manager.on("GET", "/vms/hello", VM)

    outcome = castalia("up")

    assert outcome.code == 0
    assert verbs == ["start"]
    assert {request.method for request in manager.requests} == {"GET"}
    assert "shown this once" not in outcome.out
    assert config.chosen().token == "cst_old"


def test_a_token_that_is_no_longer_good_is_replaced(
    castalia: Run, manager: FakeManager, verbs: list[str]
) -> None:
    known = config.Context(url="http://manager", token="cst_old")
    config.save(config.Config(current="local", contexts={"local": known, "other": known}))
    manager.answers.pop(("GET", "/api/v1/session"))
    manager.problem("GET", "/session", 401)
    manager.page("/hosts", HOST)

    assert castalia("up", "--no-guest").code == 0
    assert config.chosen().token == "cst_new"
    assert config.chosen("other").token == "cst_old"


def test_a_phase_that_fails_is_marked_and_ends_it(
    castalia: Run, manager: FakeManager, verbs: list[str]
) -> None:
    manager.problem("GET", "/hosts", 503, detail="The database is busy.")

    outcome = castalia("up")

    assert outcome.code == 1
    assert "✗ host" in outcome.out
    assert "The database is busy." in outcome.err


def test_down_says_that_vms_run_on(castalia: Run, verbs: list[str]) -> None:
    assert "VMs run on" in castalia("down").err
    assert verbs == ["stop"]


def test_serve_becomes_the_daemon_with_the_options_given(
    castalia: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[list[str]] = []
    replaced: Callable[[str, list[str]], None] = lambda _path, argv: run.append(argv)  # noqa: E731
    monkeypatch.setattr(local.os, "execv", replaced)

    castalia("serve", "--port", "8443", "--bind", "::1")

    assert run[0][1:] == ["-m", "castalia.daemon", "serve", "--bind=::1", "--port=8443"]


def test_why_the_manager_did_not_start_is_passed_on(
    castalia: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], 1, "", "Error: The port is taken.\n  → Free it.\n")
    monkeypatch.setattr(local.subprocess, "run", lambda *_a, **_k: done)

    outcome = castalia("down")

    assert (outcome.code, outcome.err) == (1, "Error: The port is taken.\n  → Free it.\n")
