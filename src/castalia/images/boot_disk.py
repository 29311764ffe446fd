"""Turns a directory into a disk that boots by BIOS, without root, loop devices or mounts.

Layout: MBR, GRUB's core image in the gap behind it, one ext4 partition from sector 2048 to the end.
"""

import hashlib
import os
import struct
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import DEVNULL
from subprocess import run as run_quietly

from castalia.errors import ImageError
from castalia.images.built_image import BuiltImage
from castalia.images.command import Check, run

SECTOR_BYTES = 512
FIRST_SECTOR = 2048
_MIB = 1024**2
_BOOT_CODE_BYTES = 440
_PARTITION_ENTRY = 446
_LINUX, _ACTIVE = 0x83, 0x80
_DRIVE_CHECK = 0x66
"""Here GRUB's boot sector jumps over its drive check; two NOPs make it believe the BIOS instead, as
grub-install does for hard disks."""
_GRUB_DIR = Path("/usr/lib/grub/i386-pc")
_GRUB_MODULES = (
    *("biosdisk", "part_msdos", "ext2"),
    *("normal", "configfile", "linux", "echo", "test"),
    *("serial", "terminal"),
)
_EXT4_FEATURES = "^metadata_csum_seed,^orphan_file"
"""GRUB 2.06 cannot read a file system that has these."""


@dataclass(frozen=True, kw_only=True)
class DiskPlan:
    """How large the disk is, and under which UUID the guest finds its root file system."""

    size_bytes: int
    root_uuid: str
    journal_mib: int = 16

    @classmethod
    def of(cls, size_mib: int, *, journal_mib: int = 16) -> "DiskPlan":
        """A plan with a fresh UUID."""
        size_bytes = size_mib * _MIB
        return cls(size_bytes=size_bytes, root_uuid=str(uuid.uuid4()), journal_mib=journal_mib)


def write_boot_disk(
    root: Path,
    destination: Path,
    *,
    plan: DiskPlan,
    scratch: Path,
    check: Check,
    packages: dict[str, str],
    as_root: tuple[str, ...] | None = None,
) -> BuiltImage:
    """Makes `destination`, a qcow2 disk that boots what is in `root`.

    `root` must hold /boot/grub/grub.cfg; all its files are taken for root's when the process is not
    root itself. `destination` appears, or is replaced, at the end. Raises ImageError.
    """
    raw = scratch / "disk.raw"
    _write_empty(raw, plan)
    _make_file_system(root, raw, plan, check, owner_prefix() if as_root is None else as_root)
    _write_boot_code(raw, _core_image(scratch, check))
    return publish(raw, destination, check=check, packages=packages)


def publish(raw: Path, destination: Path, *, check: Check, packages: dict[str, str]) -> BuiltImage:
    """Converts a raw disk to qcow2 and puts it in its place in one step. Raises ImageError."""
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(partial)]
    try:
        run(argv, failure="The template's disk could not be converted.", check=check)
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        partial.chmod(0o644)
        size_bytes = partial.stat().st_size
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return BuiltImage(
        path=destination,
        virtual_bytes=raw.stat().st_size,
        size_bytes=size_bytes,
        sha256=digest,
        packages=packages,
    )


@cache
def owner_prefix() -> tuple[str, ...]:
    """What to put before a command so that it sees our files as root's: nothing for root, else a
    user namespace, or fakeroot where the kernel refuses those. Raises ImageError if neither works.
    """
    if os.geteuid() == 0:
        return ()
    for prefix in (("unshare", "--map-root-user", "--"), ("fakeroot", "--")):
        try:
            done = run_quietly([*prefix, "true"], stdout=DEVNULL, stderr=DEVNULL, check=False)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return prefix
    raise ImageError(
        "This user cannot build a template.",
        remedy="Install the package fakeroot, allow user namespaces, or build as root.",
        code="image.no-fakeroot",
    )


def _write_empty(raw: Path, plan: DiskPlan) -> None:
    with raw.open("wb") as file:
        file.truncate(plan.size_bytes)


def _make_file_system(
    root: Path, raw: Path, plan: DiskPlan, check: Check, as_root: tuple[str, ...]
) -> None:
    blocks_kib = plan.size_bytes // 1024 - FIRST_SECTOR * SECTOR_BYTES // 1024
    # Lazy initialisation would be done by every guest at its first mount, in each clone's overlay.
    extended = f"offset={FIRST_SECTOR * SECTOR_BYTES},lazy_itable_init=0,lazy_journal_init=0"
    argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-L", "root", "-U", plan.root_uuid]
    argv += ["-O", _EXT4_FEATURES, "-J", f"size={plan.journal_mib}", "-E", extended]
    failure = "The template's file system could not be made."
    remedy = "See whether the disk that holds the work directory is full."
    argv += ["-d", str(root), str(raw), f"{blocks_kib}k"]
    run([*as_root, *argv], failure=failure, remedy=remedy, check=check)


def _core_image(scratch: Path, check: Check) -> bytes:
    core = scratch / "core.img"
    argv = ["grub-mkimage", "-d", str(_GRUB_DIR), "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub"]
    run(
        [*argv, "-o", str(core), *_GRUB_MODULES],
        failure="The template's boot loader could not be made.",
        remedy="Install the package grub-pc-bin.",
        check=check,
    )
    return core.read_bytes()


def _write_boot_code(raw: Path, core: bytes) -> None:
    if len(core) > (FIRST_SECTOR - 1) * SECTOR_BYTES:
        raise ImageError("The template's boot loader is too large.", detail=f"{len(core)} bytes")
    with raw.open("r+b") as file:
        file.write(_boot_sector(raw.stat().st_size // SECTOR_BYTES))
        file.write(core)


def _boot_sector(disk_sectors: int) -> bytes:
    sector = bytearray(SECTOR_BYTES)
    sector[:_BOOT_CODE_BYTES] = (_GRUB_DIR / "boot.img").read_bytes()[:_BOOT_CODE_BYTES]
    sector[_DRIVE_CHECK : _DRIVE_CHECK + 2] = b"\x90\x90"
    no_geometry = b"\xfe\xff\xff"
    entry = struct.pack(
        "<B3sB3sII",
        _ACTIVE,
        no_geometry,
        _LINUX,
        no_geometry,
        FIRST_SECTOR,
        disk_sectors - FIRST_SECTOR,
    )
    sector[_PARTITION_ENTRY : _PARTITION_ENTRY + len(entry)] = entry
    sector[510:] = b"\x55\xaa"
    return bytes(sector)
