"""A program, run by `namespace` in a fresh interpreter: becomes the first process of a lab host.

It reads a JSON plan from standard input, joins the host's cgroups, unshares every namespace, makes
the mounts, and turns into `sleep`: that process is the host, its death is the host's crash. Only
the standard library is used, since the interpreter is started isolated to be quick; a manager with
threads could not fork safely.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Starts the host and prints its process id; prints the reason and returns 1 if it cannot."""
    plan = json.load(sys.stdin)
    try:
        pid = launch(plan)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(pid)
    return 0


def launch(plan: dict[str, Any]) -> int:
    """Forks the host's first process and returns its id once all its mounts are made."""
    _join(plan["cgroups"])
    _unshare(plan["cgroup_namespace"])
    _join(plan["leaf_cgroups"])
    reader, writer = (
        os.pipe()
    )  # closed by exec: end of file without a word means that all went well
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_first_process(plan, writer)
    os.close(writer)
    with os.fdopen(reader) as report:
        if reason := report.read():
            raise OSError(reason)
    return pid


def _join(process_lists: list[str]) -> None:
    for name in process_lists:
        Path(name).write_text(str(os.getpid()), encoding="ascii")


def _unshare(cgroup_namespace: bool) -> None:  # noqa: FBT001 -- straight from the plan
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID
    _call(_libc.unshare, "unshare", flags | (CLONE_NEWCGROUP if cgroup_namespace else 0))


def _be_first_process(plan: dict[str, Any], report: int) -> None:
    try:
        os.setsid()
        for mount in plan["mounts"]:
            _mount(**mount)
        socket.sethostname(plan["hostname"])
        _loopback_up()
        _become_sleep(plan["environment"])
    except OSError as error:
        os.write(report, str(error).encode())
    os._exit(1)


def _mount(source: str, target: str, fstype: str, flags: int, data: str) -> None:
    if not Path(target).exists():
        Path(target).mkdir(parents=True)
    words = [word.encode() for word in (source, target, fstype)]
    _call(_libc.mount, f"mount on {target}", *words, ctypes.c_ulong(flags), data.encode())


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, request)


def _become_sleep(environment: dict[str, str]) -> None:
    # Ignoring survives exec: the kernel then buries the orphans that this process adopts.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.chdir("/")
    os.execvpe("sleep", ["sleep", "infinity"], environment)  # noqa: S606 -- no shell is meant


def _call(function: Any, what: str, *arguments: Any) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    sys.exit(main())
