"""A private host for tests on real libvirt: `lab_host`, one for each test process.

It has a libvirtd, a network and processes of its own, so no test can touch the machine's VMs. A
host that an earlier run left behind, because it was killed, is cleared away first.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from castalia.errors import Unsupported
from castalia.lab import record, requirements
from castalia.lab.host import LabHost
from castalia.lab.sweep import sweep

STATE_DIR = Path("/var/lib/castalia/test-lab")


def new_lab_host(name: str) -> LabHost:
    """A lab host, not started, that does not outlive this test process."""
    name = f"{name}-{os.getpid()}"
    return LabHost(name, state_dir=STATE_DIR, owner=record.this_process())


@pytest.fixture(scope="session")
def lab() -> None:
    """Skips, with the reason, where lab hosts cannot be made."""
    try:
        requirements.check()
    except Unsupported as reason:
        pytest.skip(f"{reason.message} {reason.remedy}")
    sweep(state_dir=STATE_DIR)


@pytest.fixture(scope="session")
def lab_host(lab: None) -> Iterator[LabHost]:
    """A running host with the network `default`; define what you like, and remove it again."""
    host = new_lab_host("host")
    host.start()
    try:
        yield host
    finally:
        host.stop()


@pytest.fixture
def qemu_dir(lab: None) -> Iterator[Path]:
    """A directory that QEMU's user can reach, unlike `tmp_path`, with the same path in lab hosts
    and outside."""
    with tempfile.TemporaryDirectory(prefix="castalia-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory
