"""A real guest for tests: `micro_image`, the path of a micro template disk.

It is built once and kept in a cache under the builder's fingerprint, so that only a change to the
builder costs a build. Tests use it as a backing file and never write to it.
"""

import fcntl
import os
from pathlib import Path

import pytest

from castalia.images.builder import builder
from castalia.images.command import ignore_progress, keep_going


def image_cache() -> Path:
    """Where built images stay between test runs; `$XDG_CACHE_HOME` decides."""
    if home := os.environ.get("XDG_CACHE_HOME"):
        return Path(home) / "castalia"
    return Path("/var/cache/castalia") if os.geteuid() == 0 else Path.home() / ".cache/castalia"


def built_image(name: str) -> Path:
    """The disk of the builder `name`; of several test processes one builds, the others wait."""
    maker = builder(name)
    cache = image_cache()
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{name}-{maker.fingerprint()}.qcow2"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            for old in cache.glob(f"{name}-*.qcow2"):
                old.unlink()
            maker.build(path, work_dir=cache / "work", progress=ignore_progress, check=keep_going)
    return path


@pytest.fixture(scope="session")
def micro_image() -> Path:
    """A micro template disk (qcow2): 128 MiB are enough, the agent answers within seconds."""
    return built_image("micro")
