"""The QEMU guest agent's commands, through libvirt's pass-through.

Source: https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html.
"""

import base64
import binascii
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import libvirt
import libvirt_qemu

from castalia.errors import GuestError, InvalidRequest
from castalia.hypervisor.driver import ExecResult
from castalia.hypervisor.guest_shell import ShellRun

CALL_S = 5
"""How long the agent may take for one answer; a command in the guest may run longer."""
MAX_STDIN_BYTES = 1024 * 1024
"""What fits into one message to the agent with room to spare."""
MAX_OUTPUT_BYTES = 1024 * 1024
"""More is cut off, and said to be."""
_NO_PROGRAM = "Failed to execute child process"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5


def ask_agent(
    domain: libvirt.virDomain,
    command: str,
    arguments: dict[str, Any] | None = None,
    *,
    timeout_s: int = CALL_S,
) -> Any:
    """The agent's answer to one command. Raises libvirtError."""
    request: dict[str, Any] = {"execute": command}
    if arguments:
        request["arguments"] = arguments
    answer = libvirt_qemu.qemuAgentCommand(domain, json.dumps(request), timeout_s, 0)
    return json.loads(answer)["return"]


def run_in_guest(
    domain: libvirt.virDomain, argv: list[str], *, stdin: bytes, timeout_s: float
) -> ExecResult:
    """Runs a command in the guest to its end.

    Raises GuestError if there is no such program or it does not end in time (it is killed then),
    InvalidRequest for too much input, libvirtError for everything else.
    """
    if not argv:
        raise InvalidRequest("There is no command to run.", field="argv")
    if len(stdin) > MAX_STDIN_BYTES:
        raise InvalidRequest("The input is longer than 1 MiB.", field="stdin")
    run = ShellRun(argv=argv, limit_bytes=MAX_OUTPUT_BYTES)
    pid = _begin(domain, run, stdin)
    status = _end_of(domain, pid, timeout_s=timeout_s)
    if status is None:
        _kill(domain, run, pid)
        raise GuestError(
            f"{argv[0]} did not end within {timeout_s:g} s and was killed.",
            code="guest.timeout",
            remedy="Give it more time, or run it in the background.",
        )
    result = _result(status)
    if run.missing(result.exit_code, result.stderr):
        raise _no_program(argv[0])
    return result


def _begin(domain: libvirt.virDomain, run: ShellRun, stdin: bytes) -> int:
    try:
        return _spawn(domain, run.wrapped, stdin)
    except libvirt.libvirtError as error:
        if _NO_PROGRAM not in str(error):
            raise
    try:
        return _spawn(domain, run.argv, stdin)  # a guest without /bin/sh: Windows
    except libvirt.libvirtError as error:
        if _NO_PROGRAM not in str(error):
            raise
        raise _no_program(run.argv[0]) from error


def _spawn(domain: libvirt.virDomain, argv: list[str], stdin: bytes) -> int:
    arguments: dict[str, Any] = {"path": argv[0], "arg": argv[1:], "capture-output": True}
    if stdin:
        arguments["input-data"] = base64.b64encode(stdin).decode()
    return int(ask_agent(domain, "guest-exec", arguments)["pid"])


def _no_program(name: str) -> GuestError:
    return GuestError(
        f"The guest cannot run {name}.",
        code="guest.no-program",
        remedy="Check that the program exists there; a shell line needs: /bin/sh -c LINE",
    )


def _end_of(domain: libvirt.virDomain, pid: int, *, timeout_s: float) -> dict[str, Any] | None:
    """The command's last status, or None if it runs on after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    for pause_s in _pauses():
        status: dict[str, Any] = ask_agent(domain, "guest-exec-status", {"pid": pid})
        if status["exited"]:
            return status
        if time.monotonic() + pause_s > deadline:
            break
        time.sleep(pause_s)
    return None


def _result(status: dict[str, Any]) -> ExecResult:
    stdout, stderr = _decoded(status, "out-data"), _decoded(status, "err-data")
    cut = len(stdout) > MAX_OUTPUT_BYTES or len(stderr) > MAX_OUTPUT_BYTES
    signal = int(status.get("signal", 0))
    return ExecResult(
        exit_code=int(status.get("exitcode", 128 + signal)),
        stdout=stdout[:MAX_OUTPUT_BYTES],
        stderr=stderr[:MAX_OUTPUT_BYTES],
        truncated=cut or bool(status.get("out-truncated") or status.get("err-truncated")),
    )


def _decoded(status: dict[str, Any], key: str) -> bytes:
    try:
        return base64.b64decode(status.get(key, ""))
    except binascii.Error as error:
        raise GuestError("The guest's agent sent a garbled answer.", detail=str(error)) from error


def _kill(domain: libvirt.virDomain, run: ShellRun, pid: int) -> None:
    # A guest without a shell keeps its command; the time limit is what matters to the caller.
    with contextlib.suppress(libvirt.libvirtError):
        killer = _spawn(domain, run.killer(pid), b"")
        _end_of(domain, killer, timeout_s=CALL_S)


def _pauses() -> Iterator[float]:
    """20 ms, doubled up to half a second, for ever."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
