"""A manager made of canned answers, for commands that run in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class FakeManager:
    """Answers what it was told to; the last answer of a route is given again and again."""

    answers: dict[tuple[str, str], list[httpx.Response | Handler]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Any, status: int = 200) -> None:
        """Has a route answer with JSON, a whole response, an exception, or what a function says."""
        known = self.answers.setdefault((method, f"/api/v1{path}"), [])
        for answer in answers:
            ready = isinstance(answer, httpx.Response) or callable(answer)
            known.append(answer if ready else httpx.Response(status, json=answer))

    def problem(self, method: str, path: str, status: int, **fields: Any) -> None:
        """Has a route answer with problem details."""
        body = {"status": status, "detail": "It went wrong.", "remedy": "Do better."} | fields
        self.on(method, path, body, status=status)

    def page(self, path: str, *items: Any) -> None:
        """Has a list answer with these items."""
        self.on("GET", path, {"items": list(items), "next_cursor": ""})

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The transport's handler."""
        self.requests.append(request)
        known = self.answers.get((request.method, request.url.path))
        assert known, f"nobody expected {request.method} {request.url.path}"
        answer = known.pop(0) if len(known) > 1 else known[0]
        return answer(request) if callable(answer) else answer

    def body(self, number: int = -1) -> Any:
        """The JSON of a request."""
        return json.loads(self.requests[number].content)


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str
    raw: bytes


Run = Callable[..., Outcome]


def job(**fields: Any) -> dict[str, Any]:
    """A job as the API shows it."""
    known = {
        "id": "j1", "title": "Start web1", "state": "succeeded", "percent": 100, "message": "",
        "waiting_for": "", "error": "", "remedy": "", "target_name": "web1", "steps": [],
        "created_by": "admin", "created_at": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    return known | fields


def plan(*checks: tuple[str, str, str]) -> dict[str, Any]:
    """A plan with (verdict, reason, remedy) checks."""
    return {
        "title": "Start web1",
        "steps": ["start it"],
        "checks": [
            {"verdict": verdict, "reason": reason, "remedy": remedy}
            for verdict, reason, remedy in checks
        ],
        "after": {"memory free on h1": "2 GiB"},
    }
