"""Runs one of the field's tools: arguments as a list, cancellable, its last words kept for the log.

A command that fails becomes an ImageError; what it printed is in `detail`, never shown to users.
"""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from castalia.errors import ImageError
from castalia.images.room import FULL_WORDS, no_space_left

Check = Callable[[], None]
"""Returns while work may go on; raises what the caller wants to see when it must end."""
Progress = Callable[[int, str], None]
"""Is told percent done (0 to 100) and what is being done."""

_POLL_S = 0.2
_KILL_AFTER_S = 10.0
_DETAIL_BYTES = 8000


def keep_going() -> None:
    """The check of a caller that never cancels."""


def ignore_progress(percent: int, message: str) -> None:
    """The progress of a caller that does not watch."""


def run(
    argv: Sequence[str | Path],
    *,
    failure: str,
    remedy: str = "",
    check: Check = keep_going,
    on_output: Callable[[bytes], None] | None = None,
    stdin: Path | bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    accept: Container[int] = (0,),
) -> bytes:
    """Runs a command to its end and returns its standard output, or has `on_output` see it.

    `check` is asked several times a second; when it raises, or after `timeout_s`, the command and
    its children are ended. `env` is added to the environment. Raises ImageError with the message
    `failure` if the command is missing, takes too long, or ends with a code not in `accept`, and
    StorageError if it found the disk full.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as errors, _input(stdin) as source:
        process = _start(words, failure, stdin=source, stderr=errors, cwd=cwd, env=env)
        try:
            output = _collect(process, check, on_output, timeout_s)
        except TimeoutError as exc:
            detail = f"{words!r} took longer than {timeout_s} s"
            raise ImageError(failure, remedy=remedy, detail=detail) from exc
        finally:
            _end(process)
        if process.returncode not in accept:
            detail = f"{words!r} ended with {process.returncode}: {_tail(errors)}"
            if any(phrase in detail for phrase in FULL_WORDS):
                raise no_space_left(detail)
            raise ImageError(failure, remedy=remedy, detail=detail)
        return output


def _start(
    words: list[str],
    failure: str,
    *,
    stdin: IO[bytes],
    stderr: IO[bytes],
    cwd: Path | None,
    env: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    """In a session of its own, so that its children can be ended with it."""
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            start_new_session=True,
        )
    except FileNotFoundError as exc:
        raise _missing(words[0], failure) from exc


def _input(stdin: Path | bytes | None) -> IO[bytes]:
    if isinstance(stdin, Path):
        return stdin.open("rb")
    # A file, not a pipe: the command may stop reading, and nobody has to feed it.
    source = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
    source.write(stdin or b"")
    source.seek(0)
    return source


def _missing(tool: str, failure: str) -> ImageError:
    return ImageError(
        failure,
        remedy=f"Install the program {tool!r}; `make up` does so.",
        code="image.tool-missing",
        detail=f"{tool!r} is not on PATH",
    )


def _collect(
    process: subprocess.Popen[bytes],
    check: Check,
    on_output: Callable[[bytes], None] | None,
    timeout_s: float | None,
) -> bytes:
    assert process.stdout is not None  # noqa: S101 -- it was opened with PIPE above
    deadline = time.monotonic() + timeout_s if timeout_s else None
    chunks: list[bytes] = []
    with selectors.DefaultSelector() as selector, process.stdout as stream:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            _go_on(check, deadline)
            if not selector.select(_POLL_S):
                continue
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                break
            (on_output or chunks.append)(chunk)
    return _reaped(process, check, deadline, b"".join(chunks))


def _reaped(
    process: subprocess.Popen[bytes], check: Check, deadline: float | None, output: bytes
) -> bytes:
    """Waits for a command that closed its output but may still run."""
    while True:
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            _go_on(check, deadline)
        else:
            return output


def _go_on(check: Check, deadline: float | None) -> None:
    check()
    if deadline is not None and time.monotonic() > deadline:
        raise TimeoutError


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what still runs of the command's session: first kindly, because mmdebstrap unmounts on
    SIGTERM. A command that was waited for is left alone: its number may be another's by now."""
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_KILL_AFTER_S)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _DETAIL_BYTES))
    return errors.read().decode(errors="replace").strip()
