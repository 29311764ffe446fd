"""Each dependency has its reason in the list of reasons."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def test_each_dependency_has_its_reason_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["build"], *groups["dev"]]
    names = {match[0] for entry in wanted if (match := _NAME.match(entry))}

    text = (ROOT / "docs" / "adr" / "0010-dependencies.md").read_text()
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    explained = set(re.findall(r"`([^`]+)`", " ".join(cells)))

    assert explained == names
