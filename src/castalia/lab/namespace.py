"""One host's namespaces: made, entered, ended.

The first process holds them all: killing it kills every process in them, and the kernel then drops
the mounts and the network. So nothing of a host is ever visible in this machine's own mount table
or list of namespaces.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from castalia.errors import HypervisorError
from castalia.lab import cgroups

MARKER = "CASTALIA_LAB_HOST"
"""In the first process's environment: the host's state directory."""

_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_HERE = Path(__file__).parent
_START_LIMIT_S = 20
_END_LIMIT_S = 20
_PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One call of mount(2)."""

    source: str
    target: str
    fstype: str = "none"
    flags: int = 0
    data: str = ""


def bind(source: Path, target: str) -> Mount:
    """A directory of the host's in place of one of this machine's."""
    return Mount(source=str(source), target=target, flags=_MS_BIND)


def launch(
    state: Path,
    *,
    hostname: str,
    binds: list[Mount],
    groups: list[Path],
    hierarchies: list[cgroups.Hierarchy],
) -> int:
    """Makes the namespaces and returns the id of their first process.

    `state` is the directory by which `find` knows the host again; `groups` are its cgroups, one for
    each of `hierarchies`. Raises HypervisorError.
    """
    plan = {
        "cgroups": cgroups.process_lists(groups),
        "leaf_cgroups": cgroups.leaf_process_lists(groups),
        "cgroup_namespace": bool(groups),
        "mounts": [asdict(mount) for mount in _mounts(binds, hierarchies)],
        "hostname": hostname,
        "environment": {"PATH": os.environ.get("PATH", os.defpath), MARKER: str(state)},
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_HERE / "launch.py")],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=_START_LIMIT_S,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        remedy = "Containers often forbid namespaces: run the lab on the machine itself."
        reason = f"The namespaces of lab host {hostname!r} could not be made."
        raise HypervisorError(reason, remedy=remedy, detail=done.stderr.strip())
    return int(done.stdout)


def _mounts(binds: list[Mount], hierarchies: list[cgroups.Hierarchy]) -> list[Mount]:
    system = [
        Mount(source="none", target="/", flags=_MS_REC | _MS_PRIVATE),
        Mount(source="proc", target="/proc", fstype="proc"),
        # A fresh sysfs shows the new network's devices, and has no cgroups mounted in it yet.
        Mount(source="sysfs", target="/sys", fstype="sysfs"),
    ]
    return [*system, *_cgroup_mounts(hierarchies), *binds]


def _cgroup_mounts(hierarchies: list[cgroups.Hierarchy]) -> list[Mount]:
    top = Mount(source="cgroup", target="/sys/fs/cgroup", fstype="tmpfs", data="mode=755")
    below = Path(top.target)
    points = [hierarchy for hierarchy in hierarchies if below in hierarchy.mount_point.parents]
    mounts = [
        Mount(
            source="cgroup",
            target=str(hierarchy.mount_point),
            fstype="cgroup2" if hierarchy.version == 2 else "cgroup",
            data=hierarchy.options,
        )
        for hierarchy in hierarchies
    ]
    return [top, *mounts] if points or not hierarchies else mounts


def find(state: Path, *, marker: str = MARKER) -> int | None:
    """The id of the first process of the host with that state directory, or None when it is down.

    With another `marker`: of whatever process was started with that variable in its environment.
    """
    wanted = f"{marker}={state}".encode()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and wanted in _environment(entry):
            return int(entry.name)
    return None


def _environment(process: Path) -> list[bytes]:
    with contextlib.suppress(OSError):  # it has ended, or it is somebody else's
        return (process / "environ").read_bytes().split(b"\0")
    return []


def command(pid: int, groups: list[Path], argv: list[str]) -> list[str]:
    """The arguments that run `argv` inside of the host whose first process is `pid`."""
    join = [sys.executable, "-I", "-S", str(_HERE / "join.py")]
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid"]
    cgroup = ["--cgroup"] if groups else []
    return [*join, *cgroups.leaf_process_lists(groups), "--", *enter, *cgroup, "--", *argv]


def processes(pid: int, *, name: str = "") -> list[int]:
    """The ids, as this machine counts, of all processes in the host, or of those called `name`."""
    try:
        namespace = Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:
        return []
    numbers = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [number for number in numbers if _matches(number, namespace, name)]


def _matches(pid: int, namespace: int, name: str) -> bool:
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/ns/pid").stat().st_ino == namespace:
            return not name or Path(f"/proc/{pid}/comm").read_text().strip() == name
    return False


def kill(pid: int) -> None:
    """Ends a process at once and waits until it is gone; for a first process that means all of its
    host's. One that is gone already is no error."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not select.select([descriptor], [], [], _END_LIMIT_S)[0]:
            remedy = "It probably waits for a disk; see what the kernel says."
            raise HypervisorError(f"Process {pid} does not end.", remedy=remedy)
    finally:
        os.close(descriptor)
