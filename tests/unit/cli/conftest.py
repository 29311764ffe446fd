"""The command line, run in this process against a fake manager."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Outcome

from castalia.cli import main as program
from castalia.cli.client import Client
from castalia.cli.config import Context
from castalia.cli.state import STATE


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeManager]:
    monkeypatch.setenv("CASTALIA_CLI_CONFIG", str(tmp_path / "castalia" / "cli.toml"))
    for name in ("CASTALIA_URL", "CASTALIA_TOKEN", "CASTALIA_CONTEXT", "CASTALIA_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    fake = FakeManager()
    transport = httpx.MockTransport(fake.handle)
    STATE.__dict__["client"] = Client(Context(url="http://manager", token="t"), transport=transport)
    yield fake
    STATE.__dict__.pop("client", None)


@pytest.fixture
def castalia(
    manager: FakeManager,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Callable[..., Outcome]:
    """Runs `castalia ARGUMENTS` in this process."""

    def run(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["castalia", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        try:
            program.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        written = capsysbinary.readouterr()
        return Outcome(
            code, written.out.decode(errors="replace"), written.err.decode(), written.out
        )

    return run
