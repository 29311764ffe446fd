"""Answers as tables, JSON and YAML."""

import json
from typing import Any

import pytest
import yaml
from tests.unit.cli.fake_manager import FakeManager, Run

from castalia.cli.output import show_object
from castalia.cli.state import STATE, Format
from castalia.cli.table import fitting, plain_table

TEMPLATE: dict[str, Any] = {
    "name": "micro", "state": "ready", "os": "linux", "disk_bytes": 512 * 1024**2,
    "size_bytes": 0, "default_size": "micro", "vm_count": 2, "created_at": None,
}  # fmt: skip


def test_a_table_in_a_pipe_holds_whole_words_and_no_trailing_blanks(
    castalia: Run, manager: FakeManager
) -> None:
    manager.page("/templates", TEMPLATE, TEMPLATE | {"name": "a-very-long-name-" * 10})

    lines = castalia("template", "list").out.splitlines()

    assert lines[0].split() == ["NAME", "STATE", "OS", "DISK", "ON", "DISK", "SIZE", "VMS", "AGE"]
    assert lines[2].startswith("a-very-long-name-" * 10 + "  ready")
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("place", ["first", "last"])
def test_json_is_what_the_api_said(castalia: Run, manager: FakeManager, place: str) -> None:
    manager.page("/templates", TEMPLATE)
    command, option = ["template", "list"], ["-o", "json"]

    outcome = castalia(*(option + command if place == "first" else command + option))

    assert json.loads(outcome.out) == [TEMPLATE]


def test_yaml_is_what_the_api_said(castalia: Run, manager: FakeManager) -> None:
    manager.page("/templates", TEMPLATE)

    assert yaml.safe_load(castalia("template", "list", "-o", "yaml").out) == [TEMPLATE]


def test_an_empty_list_says_what_to_do_on_standard_error(
    castalia: Run, manager: FakeManager
) -> None:
    manager.page("/templates")

    outcome = castalia("template", "list")

    assert outcome.out == ""
    assert "castalia template build micro" in outcome.err
    assert castalia("template", "list", "-f", "name:x").err == "Nothing matches.\n"
    assert castalia("template", "list", "-o", "json").out == "[]\n"


def test_lists_follow_cursors_up_to_the_limit(castalia: Run, manager: FakeManager) -> None:
    page = {"items": [TEMPLATE] * 2, "next_cursor": "more"}
    manager.on("GET", "/templates", page)

    outcome = castalia("template", "list", "--limit", "3", "-o", "json")

    asked = [dict(request.url.params) for request in manager.requests]
    assert [one["limit"] for one in asked] == ["3", "1"]
    assert asked[1]["cursor"] == "more"
    assert len(json.loads(outcome.out)) == 4  # this manager gives two where one was asked for


def test_columns_are_left_out_from_the_right_and_empty_ones_first() -> None:
    titles, rows = ["name", "cpu", "host", "tags"], [["web1", "", "h1", "prod"]]

    assert fitting(titles, rows, width=80) == [0, 2, 3]
    assert fitting(titles, rows, width=12) == [0, 2]
    assert fitting(titles, rows, width=2) == [0]


def test_sentences_are_cut_before_a_column_is_left_out() -> None:
    titles, rows = ["id", "note", "age"], [["j1", "x" * 100, "3 min"]]

    assert fitting(titles, rows, width=40) == [0, 1, 2]


def test_plain_table_without_rows_has_its_head() -> None:
    assert plain_table(["name", "state"], []) == "NAME  STATE\n"


def test_references_with_a_slash_stay_one_part_of_the_path(
    castalia: Run, manager: FakeManager
) -> None:
    manager.problem("GET", "/vms/h1:web 1", 404)

    castalia("vm", "show", "h1/web 1")

    assert manager.requests[0].url.raw_path == b"/api/v1/vms/h1:web%201"


@pytest.mark.parametrize("character", ["\u0080", "\u009b", "\u202e", "\u2066", "\u2069"])
def test_characters_that_steer_a_terminal_are_replaced(
    character: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STATE, "format", Format.TABLE)
    shown = plain_table(["name"], [[f"a{character}b"]])
    assert shown == "NAME\na\ufffdb\n"

    show_object({}, [("name", f"a{character}b")])
    assert capsys.readouterr().out == "name  a\ufffdb\n"
