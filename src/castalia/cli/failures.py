"""Why a command ended badly, and the exit code that scripts see."""

import sys
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; documented in docs/cli.md. A command run in a guest ends with the guest's own."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    NOT_ALLOWED = 5
    UNREACHABLE = 6
    JOB_FAILED = 7
    TIMED_OUT = 8
    OUTPUT_CUT = 9


class CommandFailed(Exception):
    """What to tell the user on standard error, and how to end."""

    def __init__(self, message: str, *, remedy: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code


def warn(failure: CommandFailed) -> None:
    """Writes a failure to standard error; the command goes on, or its caller ends it."""
    sys.stderr.write(f"Error: {failure.message}\n")
    if failure.remedy:
        sys.stderr.write(f"  → {failure.remedy}\n")
