"""Commands in a guest: bytes in, bytes out, its exit code."""

import base64

import pytest
from tests.unit.cli.fake_manager import FakeManager, Run

BYTES = bytes(range(256))


def _answer(
    manager: FakeManager,
    *,
    out: bytes = b"",
    err: bytes = b"",
    exit_code: int = 0,
    truncated: bool = False,
) -> None:
    manager.on(
        "POST",
        "/vms/web1/exec",
        {
            "stdout": base64.b64encode(out).decode(),
            "stderr": base64.b64encode(err).decode(),
            "encoding": "base64",
            "exit_code": exit_code,
            "truncated": truncated,
        },
    )


def test_bytes_pass_both_ways_unchanged(castalia: Run, manager: FakeManager) -> None:
    _answer(manager, out=BYTES)

    outcome = castalia("vm", "exec", "-i", "web1", "--", "cat", stdin=BYTES)

    assert outcome.raw == BYTES
    assert base64.b64decode(manager.body()["stdin"]) == BYTES


def test_nothing_is_read_from_standard_input_unasked(castalia: Run, manager: FakeManager) -> None:
    _answer(manager)

    castalia("vm", "exec", "web1", "--", "true", stdin=b"not for the guest")

    assert manager.body()["stdin"] == ""


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_it_ends_with_the_guests_exit_code(castalia: Run, manager: FakeManager, code: int) -> None:
    _answer(manager, err=b"oh\n", exit_code=code)

    outcome = castalia("vm", "exec", "web1", "--", "false")

    assert (outcome.code, outcome.out, outcome.err) == (code, "", "oh\n")


def test_options_of_the_guests_command_are_its_own(castalia: Run, manager: FakeManager) -> None:
    _answer(manager)

    castalia("vm", "exec", "web1", "--", "ls", "-o", "json", "--", "--help")

    assert manager.body()["argv"] == ["ls", "-o", "json", "--", "--help"]


def test_an_agent_that_does_not_answer_is_told_from_a_command_that_fails(
    castalia: Run, manager: FakeManager
) -> None:
    manager.problem("POST", "/vms/web1/exec", 502, detail="The agent does not answer.")

    outcome = castalia("vm", "exec", "web1", "--", "true")

    assert outcome.code == 1
    assert outcome.err.startswith("Error: The agent does not answer.")


@pytest.mark.parametrize(("code", "expected"), [(0, 9), (3, 3)])
def test_output_that_was_cut_is_said_and_is_no_success(
    castalia: Run, manager: FakeManager, code: int, expected: int
) -> None:
    _answer(manager, out=b"much", exit_code=code, truncated=True)
    outcome = castalia("vm", "exec", "web1", "--", "cat", "big")
    assert outcome.code == expected
    assert "Output was cut at 1 MiB" in outcome.err
