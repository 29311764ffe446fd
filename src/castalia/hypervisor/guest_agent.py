"""The QEMU guest agent's commands, through libvirt's pass-through.

Source: https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html.
"""

import base64
import binascii
import itertools
import json
import time
from typing import Any

import libvirt
import libvirt_qemu

from castalia.errors import GuestError, InvalidRequest
from castalia.hypervisor.driver import ExecResult
from castalia.hypervisor.libvirt_errors import translated

CALL_S = 5
"""How long the agent may take for one answer; a command in the guest may run longer."""
MAX_STDIN_BYTES = 1024 * 1024
"""What fits into one message to the agent with room to spare."""
MAX_OUTPUT_BYTES = 1024 * 1024
"""More is cut off, and said to be."""
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
    pid = _begin(domain, argv, stdin)
    deadline = time.monotonic() + timeout_s
    for pause_s in _pauses():
        status = _status(domain, pid)
        if status["exited"]:
            return _result(status)
        if time.monotonic() + pause_s > deadline:
            break
        time.sleep(pause_s)
    _kill(domain, pid)
    raise GuestError(
        f"{argv[0]} did not end within {timeout_s:g} s and was killed.",
        code="guest.timeout",
        remedy="Give it more time, or run it in the background.",
    )


def _begin(domain: libvirt.virDomain, argv: list[str], stdin: bytes) -> int:
    arguments: dict[str, Any] = {"path": argv[0], "arg": argv[1:], "capture-output": True}
    if stdin:
        arguments["input-data"] = base64.b64encode(stdin).decode()
    try:
        return int(ask_agent(domain, "guest-exec", arguments)["pid"])
    except libvirt.libvirtError as error:
        if "Failed to execute child process" not in str(error):
            raise
        raise GuestError(
            f"The guest cannot run {argv[0]}.",
            code="guest.no-program",
            remedy="Check that the program exists there; a shell line needs: /bin/sh -c LINE",
            detail=str(error),
        ) from error


def _status(domain: libvirt.virDomain, pid: int) -> dict[str, Any]:
    try:
        status: dict[str, Any] = ask_agent(domain, "guest-exec-status", {"pid": pid})
    except libvirt.libvirtError as error:
        if "too large" not in str(error) and "message payload" not in str(error):
            raise
        raise GuestError(
            "The command wrote more than can be fetched from the guest.",
            code="guest.output-too-long",
            remedy="Write the output into a file in the guest, or less of it.",
        ) from error
    return status


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


def _kill(domain: libvirt.virDomain, pid: int) -> None:
    """Ends a command that took too long; the agent itself has no way to, so `kill` does it."""
    kill = {"path": "kill", "arg": ["-KILL", str(pid)]}
    try:
        with translated("ending a command"):
            ask_agent(domain, "guest-exec", kill)
    except GuestError:
        return  # a guest without kill keeps its command; the timeout is what matters to the caller


def _pauses() -> "itertools.accumulate[float]":
    """20 ms, doubled up to half a second."""
    return itertools.accumulate(
        itertools.repeat(2), lambda pause, factor: min(pause * factor, _LONGEST_PAUSE_S),
        initial=_FIRST_PAUSE_S,
    )  # fmt: skip
