"""What the global options say, for the command that runs."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from castalia.cli import config

if TYPE_CHECKING:
    from castalia.cli.client import Client


class Format(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass(kw_only=True)
class State:
    """One per invocation."""

    context: str = ""
    format: Format = Format.TABLE

    @cached_property
    def client(self) -> "Client":
        """The manager, connected to at the first request."""
        from castalia.cli.client import Client

        return Client(config.chosen(self.context))


STATE = State()
