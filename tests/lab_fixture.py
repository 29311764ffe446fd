"""A private host for tests on real libvirt: `lab_host`, one for each test process.

It has a libvirtd, a network and processes of its own, so no test can touch the machine's VMs. A
host that an earlier run left behind, because it was killed, is cleared away first.
"""

import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from castalia.errors import Unsupported
from castalia.lab import record, requirements
from castalia.lab.host import LabHost
from castalia.lab.lab import Lab
from castalia.lab.sweep import sweep

STATE_DIR = Path("/var/lib/castalia/test-lab")
_KEEPER_PAUSE_S = 0.5


def new_lab_host(name: str) -> LabHost:
    """A lab host, not started, that does not outlive this test process."""
    name = f"{name}-{os.getpid()}"
    return LabHost(name, state_dir=STATE_DIR, owner=record.this_process())


def new_lab(name: str) -> Lab:
    """A lab of several hosts, not up, that does not outlive this test process."""
    name = f"{name}-{os.getpid()}"
    return Lab(name, state_dir=STATE_DIR, owner=record.this_process())


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
    """A running host with the network `default`; define what you like, and remove it again.

    Like under an init system, a libvirtd that dies by itself comes back: libvirt 9.0 was seen to
    crash when a client was killed in the middle of a call.
    """
    host = new_lab_host("host")
    host.start()
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_libvirtd, args=(host, ended), daemon=True)
    keeper.start()
    try:
        yield host
    finally:
        ended.set()
        keeper.join()
        host.stop()


def _keep_libvirtd(host: LabHost, ended: threading.Event) -> None:
    while not ended.wait(_KEEPER_PAUSE_S):
        if host.revive_libvirtd():
            warnings.warn("libvirtd had crashed and was started again", stacklevel=1)


@pytest.fixture
def qemu_dir(lab: None) -> Iterator[Path]:
    """A directory that QEMU's user can reach, unlike `tmp_path`, with the same path in lab hosts
    and outside."""
    with tempfile.TemporaryDirectory(prefix="castalia-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory
