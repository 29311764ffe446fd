"""Commands in a guest, through its agent."""

import base64
import sys

from castalia.cli.failures import Exit
from castalia.cli.options import address
from castalia.cli.output import note, show_raw
from castalia.cli.state import STATE

_ANSWER_MARGIN_S = 30.0


def run_in_guest(vm: str, argv: list[str], *, timeout_s: float, stdin: bool) -> int:
    """Runs the command, passes its output on byte for byte, and returns its exit code.

    Output that was cut is said on standard error, and is no success: OUTPUT_CUT instead of 0.
    """
    content = sys.stdin.buffer.read() if stdin else b""
    body = {
        "argv": argv,
        "stdin": base64.b64encode(content).decode(),
        "encoding": "base64",
        "timeout_s": timeout_s,
    }
    answer = STATE.client.request(
        "POST", f"/vms/{address(vm)}/exec", json=body, timeout=timeout_s + _ANSWER_MARGIN_S
    ).json()
    if not show_raw(answer):
        _pass_on(answer["stdout"], answer["encoding"], error=False)
        _pass_on(answer["stderr"], answer["encoding"], error=True)
    code = int(answer["exit_code"])
    if answer.get("truncated"):
        note("Output was cut at 1 MiB")
        return code or Exit.OUTPUT_CUT
    return code


def _pass_on(text: str, encoding: str, *, error: bool) -> None:
    content = base64.b64decode(text) if encoding == "base64" else text.encode()
    stream = sys.stderr.buffer if error else sys.stdout.buffer
    stream.write(content)
    stream.flush()
