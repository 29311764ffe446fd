"""Events as they happen, measurements, and keys kept by the manager."""

import json
from typing import Any

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Run, plan

KEY = {"name": "laptop", "public_key": "ssh-ed25519 AAAA me", "created_at": "2026-01-31T12:00:00Z"}
SAMPLE: dict[str, Any] = {
    "subject": "vm:1", "at": "2026-01-31T12:00:00Z", "cpu_fraction": 0.254, "memory_used_mib": 1536,
    "memory_mib": 2048, "disk_read_bps": 0.0, "disk_write_bps": 2048.4, "disk_iops": 3.6,
    "net_rx_bps": 1.0, "net_tx_bps": 0.0,
}  # fmt: skip


def _stream(*events: tuple[str, str, dict[str, Any]]) -> httpx.Response:
    blocks = [f"id: {id}\nevent: {noun}\ndata: {json.dumps(d)}\n\n" for id, noun, d in events]
    return httpx.Response(200, text="retry: 2000\n\n: still here\n\n" + "".join(blocks))


def _interrupted(_request: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


def _event(text: str) -> dict[str, Any]:
    return {"data": {"severity": "info", "text": text}}


def test_events_are_followed_over_the_end_of_a_stream(castalia: Run, manager: FakeManager) -> None:
    manager.on(
        "GET",
        "/events",
        _stream(("e-1", "hello", {}), ("e-2", "event", _event("one")), ("e-3", "vm", {})),
        _stream(("e-4", "event", _event("two"))),
        _interrupted,
    )

    outcome = castalia("events", "--follow")

    assert outcome.out == "info      one\ninfo      two\n"
    assert outcome.code == 130
    seen = [request.headers.get("Last-Event-ID") for request in manager.requests]
    assert seen == [None, "e-3", "e-4"]


@pytest.mark.parametrize(("error", "code"), [(httpx.ConnectError, 6), (httpx.ReadTimeout, 8)])
def test_a_stream_that_breaks_says_so(
    castalia: Run, manager: FakeManager, error: type[httpx.TransportError], code: int
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    manager.on("GET", "/events", fail)

    assert castalia("events", "--follow").code == code


def test_a_stream_that_is_refused_says_why(castalia: Run, manager: FakeManager) -> None:
    manager.problem("GET", "/events", 401)

    assert castalia("events", "--follow").code == 5


def test_measurements_have_units(castalia: Run, manager: FakeManager) -> None:
    manager.on("GET", "/vms/web1/metrics", [SAMPLE])

    words = castalia("vm", "metrics", "web1", "--hours", "24").out.splitlines()[1].split("  ")

    shown = [word.strip() for word in words if word.strip()]
    assert shown == ["2026-01-31 12:00", "25.4%", "1.5 GiB", "0 B", "2 KiB", "4", "1 B", "0 B"]


def test_a_kept_key_goes_into_the_seed(castalia: Run, manager: FakeManager) -> None:
    manager.on("GET", "/ssh-keys", [KEY])
    manager.on("POST", "/vms", plan())

    castalia("vm", "create", "web1", "-t", "micro", "--ssh-key", "@laptop", "--plan")

    assert manager.body()["spec"]["seed"]["ssh_keys"] == ["ssh-ed25519 AAAA me"]


def test_an_unknown_key_names_the_kept_ones(castalia: Run, manager: FakeManager) -> None:
    manager.on("GET", "/ssh-keys", [KEY])

    outcome = castalia("vm", "create", "web1", "--ssh-key", "@phone")

    assert (outcome.code, "Known: laptop" in outcome.err) == (3, True)


def test_status_escapes_what_it_shows(castalia: Run, manager: FakeManager) -> None:
    manager.on(
        "GET",
        "/overview",
        {
            "hosts": {"up": 1},
            "vms": {},
            "templates": 0,
            "capacity": dict.fromkeys(
                ("memory_used_mib", "memory_mib", "storage_used_bytes", "storage_bytes"), 0
            )
            | {"cpu_fraction": 0.5, "cpus": 2},
            "attention": [
                {"severity": "warning", "text": "Host [red]x[/] is lost", "remedy": "[b]"}
            ],
        },
    )

    out = castalia("status").out

    assert "warning Host [red]x[/] is lost" in out
    assert "→ [b]" in out
