"""What makes the command line quick: it loads only what the command needs."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Run

from castalia.cli import client, complete
from castalia.cli.client import Client
from castalia.cli.config import Context

HEAVY = {"httpx", "rich", "yaml", "websockets", "libvirt", "fastapi", "sqlalchemy"}
_LOADED = """
import json, sys
sys.argv = ["castalia", *{arguments!r}]
from castalia.cli.main import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["vm", "--help"], ["vm", "create", "--help"], ["vm"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = _LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}

    assert loaded & HEAVY == set()
    assert "castalia" in done.stdout or "castalia" in done.stderr


def _completed(monkeypatch: pytest.MonkeyPatch, transport: httpx.MockTransport) -> Any:
    def fake(context: Context, *, timeout_s: float) -> Client:
        assert timeout_s <= 1.0
        return Client(context, timeout_s=timeout_s, transport=transport)

    monkeypatch.setattr(client, "Client", fake)


def test_completion_offers_names(manager: FakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    manager.page("/vms", {"id": "1", "name": "web1"}, {"id": "2", "name": "db1"})
    manager.page("/networks", {"id": "3", "facts": {"name": "default"}})
    manager.page("/jobs", {"id": "j1"})
    _completed(monkeypatch, httpx.MockTransport(manager.handle))

    assert complete.names("vms")("w") == ["web1"]
    assert complete.names("networks")("") == ["default"]
    assert complete.names("jobs")("j") == ["j1"]


def test_completion_is_silent_when_the_manager_is_away(
    manager: FakeManager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    _completed(monkeypatch, httpx.MockTransport(refuse))

    assert complete.names("vms")("") == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("noun", [[], ["vm"], ["host"], ["template"], ["volume"], ["job"]])
def test_no_summary_of_a_command_is_cut(
    castalia: Run, monkeypatch: pytest.MonkeyPatch, noun: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = castalia(*noun, "--help").out.splitlines()

    assert [line for line in lines if line.startswith("  ") and line.endswith("...")] == []
