"""Uploads go on where they stopped."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Run, job

from castalia.cli import follow, upload

CONTENT = bytes(range(200)) * 5


class Receiver:
    """Takes pieces; the connection breaks after the pieces whose numbers are in `breaks`."""

    def __init__(self, manager: FakeManager, *, breaks: set[int]) -> None:
        self.content = b""
        self.pieces = 0
        self._breaks = breaks
        manager.on("POST", "/uploads", self._state, status=201)
        manager.on("GET", "/uploads/u1", self._state)
        manager.on("PATCH", "/uploads/u1", self._take)

    def _state(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": "u1", "offset": len(self.content)})

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.pieces += 1
        assert int(request.headers["Upload-Offset"]) == len(self.content)
        piece = request.content
        if self.pieces in self._breaks:
            self.content += piece[: len(piece) // 2]
            raise httpx.WriteError("broken", request=request)
        self.content += piece
        return self._state(request)


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: FakeManager) -> Path:
    monkeypatch.setattr(upload, "_PIECE_BYTES", 300)
    monkeypatch.setattr(follow.time, "sleep", lambda _seconds: None)
    manager.on("POST", "/templates", job(state="queued"), status=202)
    manager.on("GET", "/jobs/j1", job())
    path = tmp_path / "image.qcow2"
    path.write_bytes(CONTENT)
    return path


def _import(castalia: Run, image: Path, *more: str) -> Any:
    return castalia("template", "import", "mine", str(image), *more)


def test_pieces_arrive_whole_and_the_template_names_the_upload(
    castalia: Run, manager: FakeManager, image: Path
) -> None:
    receiver = Receiver(manager, breaks=set())

    assert _import(castalia, image).code == 0
    assert (receiver.content, receiver.pieces) == (CONTENT, 4)
    body = next(r for r in manager.requests if r.url.path == "/api/v1/templates").content
    assert b'"upload":"u1"' in body


def test_an_interruption_is_made_up_for(castalia: Run, manager: FakeManager, image: Path) -> None:
    receiver = Receiver(manager, breaks={2, 4})

    assert _import(castalia, image).code == 0
    assert receiver.content == CONTENT


def test_a_manager_that_stays_away_ends_it(
    castalia: Run, manager: FakeManager, image: Path
) -> None:
    receiver = Receiver(manager, breaks=set(range(1, 100)))

    assert _import(castalia, image).code == 6
    assert receiver.pieces == upload._TRIES


def test_a_refusal_is_not_tried_again(castalia: Run, manager: FakeManager, image: Path) -> None:
    manager.on("POST", "/uploads", {"id": "u1", "offset": 0}, status=201)
    manager.problem("PATCH", "/uploads/u1", 413, detail="Too large.")

    outcome = _import(castalia, image)

    assert outcome.code == 2
    assert sum(request.method == "PATCH" for request in manager.requests) == 1


def test_a_plan_uploads_nothing(castalia: Run, manager: FakeManager, image: Path) -> None:
    manager.answers.clear()
    manager.on("POST", "/templates", {"title": "t", "steps": [], "checks": [], "after": {}})

    assert _import(castalia, image, "--plan").code == 0
    assert [request.url.path for request in manager.requests] == ["/api/v1/templates"]


def test_an_address_is_passed_on(castalia: Run, manager: FakeManager, image: Path) -> None:
    castalia("template", "import", "mine", "https://images.example/x.qcow2")

    assert manager.body(0)["source"] == {"url": "https://images.example/x.qcow2", "checksum": ""}
