"""Each way to fail has its exit code, says why, and never shows a traceback."""

from typing import Any

import httpx
import pytest
from tests.unit.cli.fake_manager import FakeManager, Run


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, 2), (401, 5), (403, 5), (404, 3), (409, 4), (412, 4), (413, 2), (422, 2),
        (429, 1), (500, 1), (502, 1), (503, 1),
    ],
)  # fmt: skip
def test_problems_become_exit_codes(
    castalia: Run, manager: FakeManager, status: int, code: int
) -> None:
    manager.problem("GET", "/vms/web1", status)

    outcome = castalia("vm", "show", "web1")

    assert outcome.code == code
    assert outcome.err.startswith("Error: It went wrong.\n  → ")
    assert outcome.out == ""


def test_the_field_at_fault_is_named_once(castalia: Run, manager: FakeManager) -> None:
    manager.problem("GET", "/vms", 422, detail="'x' is not a key.", field="filter")

    assert "Error: filter: 'x' is not a key." in castalia("vm", "list", "-f", "x:1").err


def test_an_invalid_token_says_where_to_get_one(castalia: Run, manager: FakeManager) -> None:
    manager.problem("GET", "/vms/web1", 401, remedy="Make a new one: castalia token create")

    assert "castalia context add" in castalia("vm", "show", "web1").err


def test_an_answer_that_is_no_problem_document_still_ends_well(
    castalia: Run, manager: FakeManager
) -> None:
    manager.on("GET", "/vms/web1", httpx.Response(502, text="<html>Bad gateway"))

    outcome = castalia("vm", "show", "web1")

    assert (outcome.code, outcome.err) == (1, "Error: The manager answered 502.\n")


def _raises(error: type[httpx.HTTPError]) -> Any:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)  # type: ignore[call-arg]  # each of them takes it

    return fail


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (httpx.ConnectError, 6, "castalia up"),
        (httpx.RemoteProtocolError, 6, "castalia up"),
        (httpx.ReadTimeout, 8, "castalia job list"),
        (httpx.UnsupportedProtocol, 2, "http://HOST:PORT"),
    ],
)
def test_a_manager_that_does_not_answer(
    castalia: Run, manager: FakeManager, error: type[httpx.HTTPError], code: int, says: str
) -> None:
    manager.on("GET", "/vms/web1", _raises(error))

    outcome = castalia("vm", "show", "web1")

    assert outcome.code == code
    assert "http://manager" in outcome.err
    assert says in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["vm", "show"],
        ["vm", "edit", "web1"],
        ["host", "edit", "h1"],
        ["user", "edit", "kim"],
        ["vm", "create", "web1", "--memory", "much"],
        ["vm", "nic-link", "web1", "52:54:00:00:00:01", "sideways"],
        ["vm", "exec", "web1", "--timeout", "1", "--", "true"],
        ["volume", "create", "no-repository", "1G"],
        ["template", "import", "t", "/nonexistent/image.qcow2"],
        ["vm", "create", "web1", "--ssh-key", "/nonexistent/key.pub"],
    ],
)
def test_wrong_usage_asks_nobody(castalia: Run, manager: FakeManager, arguments: list[str]) -> None:
    outcome = castalia(*arguments)

    assert outcome.code == 2
    assert "Error: " in outcome.err
    assert manager.requests == []


def test_a_fault_of_the_program_is_no_traceback(
    castalia: Run, monkeypatch: pytest.MonkeyPatch, manager: FakeManager
) -> None:
    monkeypatch.delenv("CASTALIA_DEBUG", raising=False)
    manager.on("GET", "/hosts/h1", ["not", "an", "object"])

    outcome = castalia("host", "show", "h1")

    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    assert "CASTALIA_DEBUG=1" in outcome.err


def test_debugging_shows_where(
    castalia: Run, monkeypatch: pytest.MonkeyPatch, manager: FakeManager
) -> None:
    monkeypatch.setenv("CASTALIA_DEBUG", "1")
    manager.on("GET", "/hosts/h1", ["not", "an", "object"])

    with pytest.raises(TypeError):
        castalia("host", "show", "h1")
