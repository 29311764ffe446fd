"""The lab's two programs, as far as they need no lab: what they read, print, and return."""

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest

from castalia.errors import InvalidRequest
from castalia.lab import fence, program
from castalia.lab.lab import Lab


def fenced(*lines: str) -> int:
    return fence.main(io.StringIO("\n".join(lines)))


@pytest.mark.parametrize(
    ("lines", "plug"),
    [
        (["plug=h2"], "h2"),
        (["  plug=h2  ", "# plug=h3", "", "unknown", "x=1"], "h2"),
        (["nodename=h9", "port=h2"], "h2"),
        (["plug=h2", "nodename=h9"], "h2"),
        (["nodename=h2"], "h2"),
        (["plug="], None),
    ],
)
def test_the_plug_is_found(lines: list[str], plug: str | None) -> None:
    assert fence.parsed(io.StringIO("\n".join(lines))).get("plug") == plug


def test_metadata_names_every_action_and_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert fenced("action=metadata") == 0
    agent = ElementTree.fromstring(capsys.readouterr().out)
    actions = {element.get("name") for element in agent.iter("action")}
    assert actions >= {"on", "off", "reboot", "status", "monitor", "metadata"}
    assert {each.get("name") for each in agent.iter("parameter")} == {
        *("action", "plug", "lab", "state_dir")
    }


@pytest.mark.parametrize("action", ["off", "on", "reboot", "status", "monitor", "dance", ""])
def test_what_cannot_be_done_is_a_failure_and_never_off(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fenced(f"action={action}", "plug=h1", f"state_dir={tmp_path}") == 1
    assert capsys.readouterr().err.startswith("Error: ")


def test_without_a_plug_nothing_is_fenced(capsys: pytest.CaptureFixture[str]) -> None:
    assert fenced("action=off") == 1
    assert "plug=h1" in capsys.readouterr().err


def test_a_lab_that_is_not_there_is_said_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["--state-dir", str(tmp_path), "status"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: There is no lab 'lab'.\n  → ")


def test_down_of_nothing_is_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--state-dir", str(tmp_path), "down"]) == 0
    assert capsys.readouterr().out == '{"name": "lab", "hosts": []}\n'
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "under_score", "x" * 33])
def test_such_a_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        Lab(name)
