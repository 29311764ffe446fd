"""Converts an inspected image to qcow2, sparse, with progress."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from castalia.images.command import Check, Progress, ignore_progress, keep_going, run
from castalia.images.inspect import inspect_image, source_option
from castalia.images.room import no_space_left
from castalia.model.storage import VolumeFormat

_PERCENT = re.compile(rb"\((\d+)\.\d+/100%\)")
_KEEP_FREE_BYTES = 64 * 1024**2


def convert_to_qcow2(
    source: Path,
    destination: Path,
    *,
    format: VolumeFormat,
    progress: Progress = ignore_progress,
    check: Check = keep_going,
) -> Path:
    """Writes the disk in `source`, of the format that `inspect_image` found, as qcow2.

    Zeros take no space. `destination` appears, or is replaced, at the end, after it was looked at
    again. Raises ImageError, StorageError when the disk fills up, or what `check` raises.
    """
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    argv = ["qemu-img", "convert", "-p", "-O", "qcow2", "-S", "64k", "-o", "compat=1.1"]
    argv += ["--image-opts", source_option(source, format), str(partial)]
    try:
        run(
            argv,
            failure="The image could not be converted.",
            remedy="Look at it with `qemu-img check`, and at the free space of its repository.",
            check=_room(destination.parent, check),
            on_output=_reader(progress),
        )
        inspect_image(partial, filename=destination.name, check=check)
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    progress(100, "Converted")
    return destination


def _room(directory: Path, check: Check) -> Check:
    """Also stops before the disk is full, which would harm everyone else on it."""

    def checked() -> None:
        check()
        if (free := shutil.disk_usage(directory).free) < _KEEP_FREE_BYTES:
            raise no_space_left(f"{free} bytes free in {directory}")

    return checked


def _reader(progress: Progress) -> Callable[[bytes], None]:
    """qemu-img rewrites one line: `(12.34/100%)`, and the last one counts."""

    def read(output: bytes) -> None:
        if found := _PERCENT.findall(output):
            progress(min(99, int(found[-1])), "Converting")

    return read
