"""The HTTP client: which environment it heeds."""

import pytest

from castalia.cli.client import Client
from castalia.cli.config import Context


@pytest.mark.parametrize(
    ("url", "heeded"),
    [
        ("http://127.0.0.1:8006", False),
        ("http://localhost:8006", False),
        ("http://[::1]:8006", False),
        ("http://0.0.0.0:8006", False),
        ("https://manager.example:8006", True),
        ("https://192.0.2.7:8006", True),
    ],
)
def test_a_proxy_of_the_environment_is_never_asked_for_this_machine(
    url: str, heeded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert Client(Context(url=url))._http.trust_env is heeded
