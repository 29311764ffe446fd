"""Starts libvirt's daemons on a machine where nothing else does."""

import contextlib
import grp
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from castalia.cli.failures import CommandFailed

_SOCKET = Path("/run/libvirt/libvirt-sock")
_LIMIT_S = 20.0


def ensure_running() -> str:
    """Makes sure that libvirtd and virtlogd run, and says what was done.

    As a plain user nothing has to be done: libvirt starts a session daemon by itself. Raises
    CommandFailed if they are not installed or do not start.
    """
    if os.geteuid() != 0:
        return "session mode, for this user"
    if _answers():
        return "runs already"
    if Path("/run/systemd/system").is_dir():
        _run(["systemctl", "start", "virtlogd.socket", "libvirtd.service"])
    else:
        _share_kvm_device()
        for daemon in ("virtlogd", "libvirtd"):
            _start(daemon)
    deadline = time.monotonic() + _LIMIT_S
    while not _answers():
        if time.monotonic() > deadline:
            raise CommandFailed(
                "libvirtd was started but does not answer.",
                remedy="Look at its log: libvirtd --verbose",
            )
        time.sleep(0.1)
    return "libvirtd and virtlogd started"


def _share_kvm_device() -> None:
    """Gives /dev/kvm to the group kvm, as udev does where it runs.

    While the device is root's alone, libvirt finds KVM when it probes as root but not when it
    checks for QEMU's user, and so probes all over again at every definition of a VM.
    """
    device = Path("/dev/kvm")
    with contextlib.suppress(OSError, KeyError):
        facts = device.stat()
        if facts.st_gid == 0 and facts.st_mode & 0o066 == 0:
            os.chown(device, 0, grp.getgrnam("kvm").gr_gid)
            device.chmod(0o660)


def _answers() -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(_SOCKET))
        except OSError:
            return False
    return True


def _start(daemon: str) -> None:
    program = shutil.which(daemon) or shutil.which(daemon, path="/usr/sbin:/sbin")
    if program is None:
        raise CommandFailed(
            f"{daemon} is not installed.",
            remedy="Install libvirt and QEMU; on Debian and Ubuntu `make up` does it.",
        )
    if not _running(daemon):
        _run([program, "--daemon"])


def _running(daemon: str) -> bool:
    """By its PID file, so that a private daemon in another namespace is not taken for it."""
    try:
        pid = int(Path(f"/run/{daemon}.pid").read_text())
        return Path(f"/proc/{pid}/comm").read_text().strip() == daemon
    except (OSError, ValueError):
        return False


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"{argv[0]} failed: {done.stderr.strip()[:500]}")
