"""Who boots and removes a lab does it alone, even if the lab is removed meanwhile."""

import fcntl
import threading
from pathlib import Path

import pytest

from castalia.lab.lab import Lab


def test_whoever_waited_for_a_lab_that_was_removed_locks_its_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, found = threading.Event(), []
    lock = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        if threading.current_thread() is second:
            waiting.set()  # it has opened the directory that is about to go
        lock(descriptor, how)

    def wait() -> None:
        with Lab("x", state_dir=tmp_path)._alone():
            found.append((tmp_path / "x").is_dir())

    second = threading.Thread(target=wait)
    monkeypatch.setattr(fcntl, "flock", flock)
    with Lab("x", state_dir=tmp_path)._alone():
        second.start()
        assert waiting.wait(30)
    second.join()
    assert found == [True]
    assert list(tmp_path.iterdir()) == []
