"""Images made by hand and by qemu-img."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from castalia.images import command, inspect


@pytest.fixture
def make_image(tmp_path):
    """Makes an image with qemu-img; words are its further arguments."""

    def make(name: str, size: str = "16M", *, format: str = "qcow2", options: str = "") -> Path:
        path = tmp_path / name
        words = ["-o", options] if options else []
        argv = ["qemu-img", "create", "-q", "-f", format, *words, str(path), size]
        subprocess.run(argv, check=True)
        return path

    return make


@pytest.fixture
def filled(make_image):
    """A qcow2 image with 8 MiB of data in it."""
    path = make_image("filled.qcow2")
    argv = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 0 8M", str(path)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def no_qemu(monkeypatch):
    """Fails when any program is run: what is refused must be refused before."""

    def refuse(argv, **options):
        raise AssertionError(f"was run: {argv}")

    monkeypatch.setattr(inspect, "run", refuse)
    monkeypatch.setattr(command.subprocess, "Popen", refuse)


def patch(path: Path, offset: int, layout: str, *values: int) -> Path:
    """Overwrites a big-endian field."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(f">{layout}", *values))
    return path


@pytest.fixture
def patched(make_image):
    """A copy of a sound qcow2 image with one field changed."""
    sound = make_image("sound.qcow2")

    def make(offset: int, layout: str, *values: int) -> Path:
        copy = sound.with_name("patched.qcow2")
        shutil.copy(sound, copy)
        return patch(copy, offset, layout, *values)

    return make
