"""The same thing as a command: what a page or a dialog does, ready for a script."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

_ONE_WORD = {"events", "audit"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line for the command line and the request that it makes.

    `words` are the arguments after `castalia`; `path` starts after `/api/v1`.
    """

    words: Sequence[str]
    path: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def cli(self) -> str:
        """One line for a shell."""
        return shlex.join(["castalia", *self.words])

    @property
    def curl(self) -> str:
        """The request as curl sends it, with the token in the environment."""
        asked = {key: value for key, value in self.query.items() if value}
        address = f"$CASTALIA_URL/api/v1{self.path}" + (f"?{urlencode(asked)}" if asked else "")
        parts = ['curl -H "Authorization: Bearer $CASTALIA_TOKEN"']
        if self.method != "GET":
            parts.append(f"-X {self.method}")
        if self.body is not None:
            parts.append("-H 'Content-Type: application/json'")
            parts.append(f"-d {shlex.quote(json.dumps(self.body, ensure_ascii=False))}")
        parts.append(f'"{address}"')
        return " \\\n  ".join(parts) if self.body is not None else " ".join(parts)


def options(values: Mapping[str, object]) -> list[str]:
    """`--name value` for each value that is set, again for each of a list; true becomes a bare
    flag."""
    words: list[str] = []
    for name, value in values.items():
        if value is True:
            words.append(f"--{name}")
        elif isinstance(value, list):
            words += [word for one in value for word in (f"--{name}", str(one))]
        elif value not in {"", None, False}:
            words += [f"--{name}", str(value)]
    return words


def listing(noun: str, path: str, *, filter: str = "", sort: str = "") -> Command:
    """The command of a list page with its filter. Only VMs are sorted on the command line, and
    what is no noun of its own there (events, audit) is one word."""
    words = [noun] if noun in _ONE_WORD else [noun, "list"]
    asked = {"filter": filter, "sort": sort if noun == "vm" and sort != "name" else ""}
    return Command(words=[*words, *options(asked)], path=path, query=asked | {"sort": sort})
