"""A program, run by `namespace`: joins cgroups, then turns into another program.

`join.py LIST... -- ARGV...`: each LIST is a `cgroup.procs` file. The nsenter of util-linux 2.38
enters a cgroup namespace but joins no cgroup, and a daemon outside of the namespace's root sees
nonsense paths.
"""

import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Never returns, unless with an OSError."""
    end = arguments.index("--")
    for process_list in arguments[:end]:
        Path(process_list).write_text(str(os.getpid()), encoding="ascii")
    program = arguments[end + 1 :]
    os.execvp(program[0], program)  # noqa: S606 -- no shell is what is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
