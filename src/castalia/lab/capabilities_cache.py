"""QEMU capabilities that libvirt found out before, so that a new host need not probe for seconds.

libvirt itself checks each cached file against the QEMU binary, its own version and the kernel, so
an old one does no harm: it is probed anew.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

_MACHINE_WIDE = Path("/var/cache/libvirt/qemu/capabilities")


def seed(target: Path, kept: Path) -> None:
    """Copies what was kept, or else what this machine's own libvirt knows, into a new host's
    cache."""
    for source in (kept, _MACHINE_WIDE):
        if files := _files(source):
            _copy(files, target)
            return


def keep(source: Path, kept: Path) -> None:
    """Keeps what a host has found out for the hosts to come."""
    _copy([file for file in _files(source) if not _same(file, kept / file.name)], kept)


def _files(directory: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(directory.glob("*.xml"))
    return []


def _same(file: Path, other: Path) -> bool:
    return other.exists() and other.read_bytes() == file.read_bytes()


def _copy(files: list[Path], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        # Several hosts may do this at the same moment; nobody must read half a file.
        with tempfile.TemporaryDirectory(dir=target) as scratch:
            shutil.copy2(file, scratch)
            (Path(scratch) / file.name).rename(target / file.name)
