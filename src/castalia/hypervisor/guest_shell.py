"""Runs a guest's command under its shell, so that it can be bounded and ended.

The agent hands over whatever a command wrote, and libvirt gives the agent up for good on an answer
of more than 10 MB: output has to be cut inside the guest. The agent cannot end a command either;
the wrapper marks its processes through their environment, so that they can be found.
"""

import secrets
from dataclasses import dataclass, field

SHELL = "/bin/sh"
_NOT_FOUND = 127

# Descriptor 3 carries the exit code past both filters, 4 the command's errors to the second one.
# What goes beyond the limit is still read, or the command would die of a closed pipe.
_RUN = """
export CASTALIA_EXEC="$1"; limit=$2; shift 2
command -v "$1" >/dev/null 2>&1 || { echo "$CASTALIA_EXEC" >&2; exit 127; }
exec 5>&1 6>&2
code=$({ {
  { "$@" 3>&- 4>&- 5>&- 6>&-; echo $? >&3; } 2>&4 4>&- 5>&- 6>&- |
    { head -c "$limit"; cat >/dev/null; } 3>&- 4>&- >&5 2>/dev/null
} 4>&1 | { head -c "$limit"; cat >/dev/null; } 3>&- >&6 2>/dev/null; } 3>&1)
exit "$code"
"""

_END = """
for found in /proc/[0-9]*/environ; do
  grep -q "CASTALIA_EXEC=$1" "$found" 2>/dev/null || continue
  pid=${found#/proc/}; kill -KILL "${pid%/environ}"
done
kill -KILL "$2"
"""


@dataclass(frozen=True, kw_only=True)
class ShellRun:
    """One command under the shell. `token` marks its processes."""

    argv: list[str]
    limit_bytes: int
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def wrapped(self) -> list[str]:
        """What to have the agent run; each output is cut one byte above the limit."""
        limit = str(self.limit_bytes + 1)
        return [SHELL, "-c", _RUN, SHELL, self.token, limit, *self.argv]

    def killer(self, pid: int) -> list[str]:
        """What ends the command and all that it started; `pid` is the agent's."""
        return [SHELL, "-c", _END, SHELL, self.token, str(pid)]

    def missing(self, exit_code: int, stderr: bytes) -> bool:
        """Whether there was no such program."""
        return exit_code == _NOT_FOUND and stderr.strip() == self.token.encode()
