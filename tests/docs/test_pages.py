"""The documents agree with the code and with each other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from castalia.cli.failures import Exit
from castalia.cli.main import app
from castalia.daemon import _parser
from castalia.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)

    assert not broken


def _commands(node: Any, path: str = "castalia") -> Iterator[tuple[str, str]]:
    for name, child in node.commands.items():
        if hasattr(child, "commands"):
            yield from _commands(child, f"{path} {name}")
        else:
            yield f"{path} {name}", (child.help or "").splitlines()[0]


def test_every_command_is_in_the_reference_with_its_own_words() -> None:
    rows = [line for line in (DOCS / "cli.md").read_text().splitlines() if line.startswith("|")]

    missing = [
        command
        for command, says in _commands(typer.main.get_command(app))
        if not any(
            re.match(rf"\| `{command}( [^`]*)?` ", row)
            and says.partition(";")[0].rstrip(".") in row
            for row in rows
        )
    ]

    assert not missing


def test_exit_codes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d) \| ([A-Z_]+) \|", (DOCS / "cli.md").read_text(), re.MULTILINE)

    assert {(int(code), name) for code, name in rows} == {(c.value, c.name) for c in Exit}


def test_every_setting_is_explained_and_none_is_invented() -> None:
    text = (DOCS / "operations.md").read_text()
    table = text[text.index("| setting |") : text.index("## The state directory")]
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)?)`", "".join(_first_cells(table))))

    assert named == set(_settings(Settings))


def _first_cells(table: str) -> list[str]:
    return [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _settings(section, f"{name}.")
        else:
            yield prefix + name


def test_options_of_serve_are_those_of_the_daemon() -> None:
    row = next(
        line
        for line in (DOCS / "cli.md").read_text().splitlines()
        if line.startswith("| `castalia serve`")
    )
    known = {option for action in _parser()._actions for option in action.option_strings}

    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]  # a group
    passed_on = {option for parameter in command.params for option in parameter.opts}

    assert set(re.findall(r"--[a-z-]+", row)) == known - {"-h", "--help"}
    assert passed_on == known - {"-h", "--help"}
