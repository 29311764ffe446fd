import os
import select

import pytest

from castalia.errors import ImageError, StorageError
from castalia.images.command import run


def test_output_and_input():
    assert run(["cat"], failure="no", stdin=b"words") == b"words"


def test_output_may_be_watched():
    seen: list[bytes] = []
    assert run(["printf", "a b"], failure="no", on_output=seen.append) == b""
    assert b"".join(seen) == b"a b"


def test_a_failure_keeps_the_last_words_in_the_detail():
    with pytest.raises(ImageError) as caught:
        run(["ls", "/nonexistent-place"], failure="It failed.", remedy="Do this.")
    assert (caught.value.message, caught.value.remedy) == ("It failed.", "Do this.")
    assert "nonexistent-place" in caught.value.detail


def test_a_missing_program_is_named():
    with pytest.raises(ImageError) as caught:
        run(["no-such-program-here"], failure="It failed.")
    assert "no-such-program-here" in caught.value.remedy


class Stop(Exception):
    pass


def test_cancelling_ends_the_command_and_its_children(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nsleep 1000 &\necho $! $$\nwait\n")
    script.chmod(0o755)
    seen: list[bytes] = []

    def check():
        if seen:
            raise Stop

    with pytest.raises(Stop):
        run([script], failure="no", on_output=seen.append, check=check)
    child, parent = map(int, b"".join(seen).split())
    with pytest.raises(ProcessLookupError):
        os.kill(parent, 0)
    assert is_gone(child)


def is_gone(pid: int) -> bool:
    """Waits for the end of a process that is not ours: what is killed has not yet ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


def test_a_timeout_ends_it():
    with pytest.raises(ImageError) as caught:
        run(["sleep", "1000"], failure="Too slow.", timeout_s=0.01)
    assert "took longer" in caught.value.detail


def test_some_codes_may_be_fine():
    assert run(["false"], failure="no", accept=(0, 1)) == b""


def test_a_full_disk_is_called_that():
    with pytest.raises(StorageError, match="no space"):
        run(["dd", "if=/dev/zero", "of=/dev/full", "count=1"], failure="no")
