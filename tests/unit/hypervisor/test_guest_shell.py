"""The shell wrapper around a guest's command, run by this machine's shell."""

import os
import subprocess
from pathlib import Path

import pytest

from castalia.hypervisor.guest_shell import ShellRun


def run(argv: list[str], *, limit_bytes: int = 1000, stdin: bytes = b""):
    wrapped = ShellRun(argv=argv, limit_bytes=limit_bytes)
    done = subprocess.run(wrapped.wrapped, input=stdin, capture_output=True, timeout=60)
    return wrapped, done


def test_output_errors_input_and_exit_code_pass() -> None:
    _, done = run(["/bin/sh", "-c", "cat; echo problem >&2; exit 3"], stdin=b"hello")
    assert (done.stdout, done.stderr, done.returncode) == (b"hello", b"problem\n", 3)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_each_output_is_cut_just_above_the_limit(stream: str) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    line = f"head -c 5000000 /dev/zero >&{number}; echo end >&{number}; exit 7"
    _, done = run(["/bin/sh", "-c", line])
    assert len(getattr(done, stream)) == 1001
    assert done.returncode == 7


def test_arguments_are_not_interpreted() -> None:
    words = ["a b", "$HOME", "`id`", "", "'", "-n", "*"]
    _, done = run(["printf", "%s|", *words])
    assert done.stdout.decode() == "".join(word + "|" for word in words)


def test_a_missing_program_is_told_from_one_that_says_127() -> None:
    wrapped, done = run(["/no/such"])
    assert wrapped.missing(done.returncode, done.stderr)
    wrapped, done = run(["/bin/sh", "-c", "exit 127"])
    assert done.returncode == 127
    assert not wrapped.missing(done.returncode, done.stderr)


def test_the_killer_ends_a_command_and_its_children(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    line = f"sleep 1000 & echo > {begun}; wait"
    wrapped = ShellRun(argv=["/bin/sh", "-c", line], limit_bytes=10)
    with subprocess.Popen(wrapped.wrapped, stdout=subprocess.PIPE) as process:
        begun.read_text()
        subprocess.run(wrapped.killer(process.pid), check=False, timeout=60)
        assert process.stdout is not None
        process.stdout.read()  # ends only when no child holds it any more
        assert process.wait(timeout=60) != 0
