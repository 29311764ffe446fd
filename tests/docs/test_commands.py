"""Every command line in README.md and docs/ exists, with its options and enough arguments."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from castalia.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_STARTS = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?castalia (?P<rest>.+)$")
_SHELL = {"|", "<", ">", ">>", "&&", ";", "2>&1"}


def _lines(text: str) -> Iterator[str]:
    for block in _FENCED.findall(text):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()
    yield from _INLINE.findall(_FENCED.sub("", text))


def commands_of(text: str) -> list[str]:
    """What stands behind `castalia` on each command line of a Markdown text."""
    found = (_STARTS.match(line.strip()) for line in _lines(text))
    return [match["rest"] for match in found if match and "COMMAND …" not in match["rest"]]


def faults(command: str) -> list[str]:
    """What is wrong with a command line, as `vm start web1`."""
    words = shlex.split(command.partition(" # ")[0])
    cut = next((n for n, word in enumerate(words) if word in _SHELL), len(words))
    words = words[:cut]
    node: Any = typer.main.get_command(app)
    given, arguments = [], []
    while words:
        word = words.pop(0)
        if word == "--":
            arguments += words
            break
        if word.startswith("-") and len(word) > 1:
            name, equals, _ = word.partition("=")
            option = _options(node).get(name)
            if option is None:
                return [f"{node.name} has no option {name}"]
            if not option.is_flag and not equals:
                words = words[1:]
        elif hasattr(node, "commands"):
            if word not in node.commands:
                return [f"no command {word}"]
            node = node.commands[word]
            given.append(word)
        else:
            arguments.append(word)
    return _argument_faults(node, arguments)


def _options(node: Any) -> dict[str, Any]:
    own = {
        name: parameter
        for parameter in node.params
        if parameter.param_type_name == "option"
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    anywhere = {
        name: parameter
        for parameter in typer.main.get_command(app).params
        for name in parameter.opts
        if name in ("-o", "--output")
    }
    help_ = {"--help": type("Help", (), {"is_flag": True})}
    return help_ | anywhere | own


def _argument_faults(node: Any, arguments: list[str]) -> list[str]:
    if hasattr(node, "commands"):
        return []
    known = [p for p in node.params if p.param_type_name == "argument"]
    least = sum(1 for p in known if p.required)
    most = 10_000 if any(p.nargs == -1 for p in known) else len(known)
    if not arguments:
        return []  # `castalia vm start` names the command, it does not show its use
    if not least <= len(arguments) <= most:
        return [f"{node.name} takes {least} to {most} arguments, not {len(arguments)}"]
    return []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    wrong = {
        command: fault for command in commands_of(page.read_text()) if (fault := faults(command))
    }

    assert not wrong


def test_commands_are_found_at_all() -> None:
    assert len(commands_of((ROOT / "docs" / "guide.md").read_text())) > 50


@pytest.mark.parametrize(
    "command",
    ["vm frob x", "vm start --frob x", "vm rename one", "vm show a b", "-x vm list", "nonsense"],
)
def test_faults_are_seen(command: str) -> None:
    assert faults(command)


@pytest.mark.parametrize(
    "command",
    ["vm list -o json", "--context a vm list", "vm exec a -- ls -la", "vm start a b c"],
)
def test_right_commands_pass(command: str) -> None:
    assert faults(command) == []
