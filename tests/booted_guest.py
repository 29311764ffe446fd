"""Boots a template disk with QEMU alone, in emulation, and talks to its guest agent.

No libvirt is in it: what fails here is the template's fault.
"""

import base64
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BOOT_LIMIT_S = 150


class BootedGuest:
    """A running guest. Its disk is an overlay; the template is never written to."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, ssh_port: int) -> None:
        self.process = process
        self.directory = directory
        self.ssh_port = ssh_port
        self._agent = _connect(directory / "agent")
        self._lines = self._agent.makefile("rw")

    def agent(self, command: str, **arguments: Any) -> Any:
        """What the guest agent answers; blocks until it does."""
        self._say({"execute": command, "arguments": arguments})
        answer = json.loads(self._lines.readline())
        assert "error" not in answer, answer
        return answer["return"]

    def exec(self, script: str) -> str:
        """The standard output of a shell script in the guest."""
        words = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        pid = self.agent("guest-exec", **words)["pid"]
        while not (state := self.agent("guest-exec-status", pid=pid))["exited"]:
            time.sleep(0.1)
        return base64.b64decode(state.get("out-data", "")).decode()

    def until(self, script: str) -> str:
        """The script's output as soon as it prints something."""
        return self.exec(f'until out=$({script}) && [ -n "$out" ]; do sleep 1; done; echo $out')

    def press_power(self) -> None:
        """What a user does at the machine's power button."""
        with _connect(self.directory / "monitor") as monitor, monitor.makefile("rw") as lines:
            lines.readline()
            for command in ("qmp_capabilities", "system_powerdown"):
                lines.write(json.dumps({"execute": command}) + "\n")
                lines.flush()
                lines.readline()

    def shut_down_by_agent(self) -> None:
        """The agent does not answer this one."""
        self._say({"execute": "guest-shutdown"})

    def serial_log(self) -> str:
        """What was printed on the serial console."""
        return (self.directory / "serial").read_text(errors="replace")

    def _say(self, message: dict[str, Any]) -> None:
        self._lines.write(json.dumps(message) + "\n")
        self._lines.flush()


@contextmanager
def booted(
    image: Path,
    *,
    seed: bytes = b"",
    memory_mib: int = 128,
    disk: str = "1G",
    seed_on_cd: bool = False,
) -> Iterator[BootedGuest]:
    """A guest whose agent has answered; it is killed at the end."""
    # A socket's path must be short, so pytest's own directories will not do.
    directory = Path(tempfile.mkdtemp(prefix="castalia-guest-"))
    port = _free_port()
    try:
        _make_disks(directory, image, seed, disk)
        argv = _qemu(directory, memory_mib, port)
        argv += _seed_device(directory, on_cd=seed_on_cd) if seed else []
        process = subprocess.Popen(argv, cwd=directory)
        try:
            guest = BootedGuest(process, directory, port)
            guest.agent("guest-ping")
            yield guest
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        shutil.rmtree(directory)


def _make_disks(directory: Path, image: Path, seed: bytes, disk: str) -> None:
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image.absolute())]
    subprocess.run([*argv, str(directory / "disk"), disk], check=True)
    (directory / "seed").write_bytes(seed)


def _qemu(directory: Path, memory_mib: int, port: int) -> list[str]:
    agent = "org.qemu.guest_agent.0"
    return [
        *("qemu-system-x86_64", "-accel", "tcg", "-m", str(memory_mib), "-display", "none"),
        *("-serial", "file:serial", "-qmp", "unix:monitor,server=on,wait=off"),
        *("-drive", "file=disk,if=virtio,format=qcow2"),
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-serial"),
        *("-chardev", "socket,id=agent,path=agent,server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={agent}"),
    ]


def _seed_device(directory: Path, *, on_cd: bool) -> list[str]:
    if on_cd:
        return ["-drive", "file=seed,if=ide,media=cdrom,format=raw,readonly=on"]
    return ["-drive", "file=seed,if=virtio,format=raw,readonly=on"]


def _connect(path: Path) -> socket.socket:
    end = time.monotonic() + 20
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_BOOT_LIMIT_S)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            assert time.monotonic() < end, f"QEMU offers no {path.name}"
            time.sleep(0.05)
        else:
            return connection


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
