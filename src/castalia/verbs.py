"""How a module that runs as a program answers whoever has started it.

Answers are JSON on standard output; reasons are plain lines on standard error: `Error: …`, and
below it what to do.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from castalia.errors import CastaliaError


def answer(verb: Callable[[], Mapping[str, Any] | None]) -> int:
    """Runs the verb, prints what it returns or why it failed, and returns the exit code."""
    try:
        found = verb()
    except CastaliaError as error:
        sys.stderr.write(reason(error))
        return 1
    if found is not None:
        sys.stdout.write(json.dumps(found) + "\n")
    return 0


def reason(error: CastaliaError) -> str:
    """The lines that tell a user what went wrong and what to do about it."""
    remedy = f"  → {error.remedy}\n" if error.remedy else ""
    return f"Error: {error.message}\n{remedy}"
