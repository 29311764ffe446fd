"""Changes: their plans, their jobs, and how these end."""

import json

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Run, job, plan

from castalia.cli import follow


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow.time, "sleep", lambda _seconds: None)


def test_a_plan_is_shown_and_nothing_is_changed(castalia: Run, manager: FakeManager) -> None:
    manager.on("POST", "/vms/web1/start", plan(("ok", "There is room.", ""), ("warning", "W", "R")))

    outcome = castalia("vm", "start", "web1", "--plan")

    assert outcome.code == 0
    assert [request.url.params.get("plan") for request in manager.requests] == ["true"]
    assert "1. start it" in outcome.out
    assert "There is room." in outcome.out
    assert "→ R" in outcome.out
    assert "memory free on h1: 2 GiB" in outcome.out


def test_brackets_in_a_plan_are_no_markup(castalia: Run, manager: FakeManager) -> None:
    manager.on("POST", "/vms/web1/start", plan(("ok", "Tag [/x] is there.", "")))

    assert "Tag [/x] is there." in castalia("vm", "start", "web1", "--plan").out


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_blocked_plan_ends_with_4(castalia: Run, manager: FakeManager, form: str) -> None:
    manager.on("POST", "/vms/web1/start", plan(("blocked", "It runs.", "Stop it.")))

    outcome = castalia("-o", form, "vm", "start", "web1", "--plan")

    assert outcome.code == 4
    assert "It runs." in outcome.out


def test_a_job_is_followed_to_its_end(castalia: Run, manager: FakeManager) -> None:
    manager.on("POST", "/vms/web1/start", job(state="queued"), status=202)
    manager.on("GET", "/jobs/j1", job(state="queued"), job(state="running"), job())

    outcome = castalia("vm", "start", "web1")

    assert (outcome.code, outcome.err) == (0, "Start web1: done.\n")
    assert [request.method for request in manager.requests] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_fails_ends_with_7_and_its_remedy(
    castalia: Run, manager: FakeManager, state: str
) -> None:
    ended = job(state=state, error="No room.", remedy="Make room.")
    manager.on("POST", "/vms/web1/start", job(state="queued"), status=202)
    manager.on("GET", "/jobs/j1", ended)

    outcome = castalia("vm", "start", "web1")

    assert outcome.code == 7
    assert outcome.err == f"Error: Start web1 {state}: No room.\n  → Make room.\n"


def test_a_failure_without_remedy_points_to_the_log(castalia: Run, manager: FakeManager) -> None:
    manager.on("GET", "/jobs/j1", job(state="failed", error="No room."))

    assert "castalia job log j1" in castalia("job", "follow", "j1").err


def test_without_waiting_the_job_is_only_named(castalia: Run, manager: FakeManager) -> None:
    manager.on("POST", "/vms/web1/start", job(state="queued"), status=202)

    outcome = castalia("vm", "start", "web1", "--no-wait")

    assert (outcome.code, len(manager.requests)) == (0, 1)
    assert "castalia job follow j1" in outcome.err


def test_programs_get_the_job_as_it_ended(castalia: Run, manager: FakeManager) -> None:
    manager.on("POST", "/vms/web1/start", job(state="queued"), status=202)
    manager.on("GET", "/jobs/j1", job())

    outcome = castalia("vm", "start", "web1", "-o", "json")

    assert json.loads(outcome.out)["state"] == "succeeded"


def test_all_are_begun_before_the_first_is_waited_for(castalia: Run, manager: FakeManager) -> None:
    for name in ("a", "b"):
        manager.on("POST", f"/vms/{name}/stop", job(id=name, state="queued"), status=202)
        manager.on("GET", f"/jobs/{name}", job(id=name))

    castalia("vm", "stop", "a", "b")

    assert [request.method for request in manager.requests] == ["POST", "POST", "GET", "GET"]


def test_one_that_is_refused_does_not_hold_the_others_up(
    castalia: Run, manager: FakeManager
) -> None:
    manager.problem("POST", "/vms/a/stop", 409, detail="a is stopped.")
    manager.problem("POST", "/vms/c/stop", 404, detail="no c")
    manager.on("POST", "/vms/b/stop", job(id="b", title="Stop b", state="queued"), status=202)
    manager.on("GET", "/jobs/b", job(id="b", title="Stop b"))

    outcome = castalia("vm", "stop", "a", "b", "c")

    assert outcome.code == 3
    assert "Stop b: done." in outcome.err
    assert outcome.err.index("a is stopped.") < outcome.err.index("no c")


def test_what_comes_with_the_next_start_is_said_after_an_edit(
    castalia: Run, manager: FakeManager
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params.get("plan") == "true"
        body = plan(("warning", "Comes with its next start.", "")) if asked else job()
        return httpx.Response(200 if asked else 202, json=body)

    manager.on("PATCH", "/vms/web1", answer)
    manager.on("GET", "/jobs/j1", job())

    outcome = castalia("vm", "edit", "web1", "--memory", "2G")

    assert manager.body(1) == {"memory_mib": 2048}
    assert "Note: Comes with its next start." in outcome.err


@pytest.mark.parametrize(
    ("arguments", "method", "path"),
    [
        (["vm", "delete", "web1"], "DELETE", "/vms/web1"),
        (["template", "remove", "t"], "DELETE", "/templates/t"),
        (["volume", "delete", "r/v"], "DELETE", "/repositories/r/volumes/v"),
        (["host", "remove", "h1"], "DELETE", "/hosts/h1"),
        (["user", "remove", "kim"], "DELETE", "/users/kim"),
    ],
)
def test_what_destroys_asks_first(
    castalia: Run, manager: FakeManager, arguments: list[str], method: str, path: str
) -> None:
    manager.on(method, path, job(), status=202)
    manager.on("GET", "/jobs/j1", job())

    refused = castalia(*arguments, stdin=b"n\n")
    assert refused.code == 1
    assert manager.requests == []

    assert castalia(*arguments, "--yes").code == 0
    assert manager.requests[0].method == method
