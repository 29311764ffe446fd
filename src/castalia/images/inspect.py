"""Looks at images of unknown origin before anything else touches them.

Our own header checks come first; only an image that refers to nothing outside of itself is shown to
qemu-img, and that under limits of memory, CPU and time. The format is always named, never guessed
by QEMU.
"""

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from castalia.errors import ImageError
from castalia.images.command import Check, keep_going, run
from castalia.images.qcow2_header import Qcow2Header, read_qcow2_header
from castalia.images.raw_layout import check_iso, check_raw
from castalia.images.sniff import Kind, sniff
from castalia.model.amount import MAX_VOLUME_BYTES, format_bytes
from castalia.model.storage import VolumeFormat

_MEMORY_BYTES = 1024**3
_CPU_S = 60
_INFO_TIMEOUT_S = 30.0
_CHECK_TIMEOUT_S = 600.0
_BY_SUFFIX = {
    ".qcow2": VolumeFormat.QCOW2,
    ".iso": VolumeFormat.ISO,
    ".raw": VolumeFormat.RAW,
    ".dd": VolumeFormat.RAW,
}
"""`.img` is not here: distributions publish raw and qcow2 images under it."""
_FORMATS = {
    Kind.QCOW2: VolumeFormat.QCOW2,
    Kind.ISO: VolumeFormat.ISO,
    Kind.RAW: VolumeFormat.RAW,
}
_REFUSALS = {
    Kind.COMPRESSED: ("This file is compressed.", "Unpack it first, then import the disk image."),
    Kind.ENCRYPTED: ("This image is encrypted.", "Decrypt it first with qemu-img convert."),
    Kind.TEXT: ("This is a text, not a disk image.", "See whether the address is the right one."),
    Kind.FOREIGN: (
        "This is another program's disk format or archive.",
        "Convert it with `qemu-img convert -O qcow2 OLD NEW` where you trust it, then import NEW.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """An image that may be used. `actual_bytes` is what the file takes on disk, `file_bytes` its
    length."""

    format: VolumeFormat
    virtual_bytes: int
    actual_bytes: int
    file_bytes: int


def inspect_image(
    path: Path,
    *,
    filename: str = "",
    max_virtual_bytes: int = MAX_VOLUME_BYTES,
    check: Check = keep_going,
) -> ImageInfo:
    """What the image at `path` is, if it is safe to use: qcow2, raw or ISO.

    `filename` is the name it was given by its owner; an extension that contradicts the content is
    refused, because one of the two is a lie. `check` can cancel. Raises ImageError with the reason
    and the remedy.
    """
    with _open(path) as file:
        facts = os.fstat(file.fileno())
        size_bytes = facts.st_size
        found = _format(sniff(file, size_bytes=size_bytes))
        _check_name(filename or path.name, found)
        header = _check_content(file, found, size_bytes)
    virtual_bytes = header.virtual_bytes if header else size_bytes
    _check_size(virtual_bytes, max_virtual_bytes)
    _ask_qemu(path, found, virtual_bytes, check)
    if header:
        _check_clusters(path, check)
    return ImageInfo(
        format=found,
        virtual_bytes=virtual_bytes,
        actual_bytes=facts.st_blocks * 512,
        file_bytes=size_bytes,
    )


def _open(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        raise _not_a_file(str(exc)) from exc
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_a_file(f"{path} is not a regular file")
    return os.fdopen(descriptor, "rb")


def _not_a_file(detail: str) -> ImageError:
    return ImageError(
        "The image cannot be read.",
        remedy="Name a regular file, no link and no device.",
        code="image.unreadable",
        detail=detail,
    )


def _format(kind: Kind) -> VolumeFormat:
    if kind in _REFUSALS:
        message, remedy = _REFUSALS[kind]
        raise ImageError(message, remedy=remedy, code=f"image.{kind}")
    return _FORMATS[kind]


def _check_name(filename: str, found: VolumeFormat) -> None:
    claimed = _BY_SUFFIX.get(Path(filename).suffix.lower())
    if claimed is not None and claimed is not found:
        raise ImageError(
            f"The image is called {claimed} but its content is {found}.",
            remedy="Rename it to what it is, if you trust where it comes from.",
            code="image.wrong-name",
        )


def _check_content(file: BinaryIO, found: VolumeFormat, size_bytes: int) -> Qcow2Header | None:
    if found is VolumeFormat.QCOW2:
        return read_qcow2_header(file, size_bytes=size_bytes)
    if found is VolumeFormat.ISO:
        check_iso(file, size_bytes=size_bytes)
    else:
        check_raw(file, size_bytes=size_bytes)
    return None


def _check_size(virtual_bytes: int, max_virtual_bytes: int) -> None:
    if virtual_bytes == 0:
        raise ImageError(
            "The image is empty.", remedy="Copy or download it again.", code="image.empty"
        )
    if virtual_bytes > max_virtual_bytes:
        raise ImageError(
            f"The image's disk is {format_bytes(virtual_bytes)} large; at most "
            f"{format_bytes(max_virtual_bytes)} are allowed.",
            remedy="Shrink it before the import.",
            code="image.too-large",
        )


def _ask_qemu(path: Path, found: VolumeFormat, virtual_bytes: int, check: Check) -> None:
    """A second opinion: QEMU must see the same image that we saw."""
    output = run(
        limited("info", path, found),
        failure="QEMU cannot read this image.",
        remedy="Look at it with `qemu-img info`, or make it anew.",
        check=check,
        timeout_s=_INFO_TIMEOUT_S,
    )
    facts = _json(output)
    specific = facts.get("format-specific", {}).get("data", {})
    references = ("backing-filename", "full-backing-filename", "encrypted", "snapshots")
    reaches_out = any(facts.get(key) for key in references) or specific.get("data-file")
    # QEMU rounds a size up to whole sectors.
    if reaches_out or abs(facts.get("virtual-size", 0) - virtual_bytes) >= 512:
        raise ImageError(
            "QEMU sees another image in this file than its header promises.",
            remedy="Do not use it; get it from its maker again.",
            code="image.contradiction",
            detail=output.decode(errors="replace"),
        )


def _check_clusters(path: Path, check: Check) -> None:
    """Has qemu-img follow every table, which also finds data behind the end of the file.

    Its code 3 stands for leaked clusters, which harm nobody.
    """
    output = run(
        limited("check", path, VolumeFormat.QCOW2),
        failure="The image's tables cannot be followed.",
        remedy="Repair it with `qemu-img check -r all FILE`, or make it anew.",
        check=check,
        timeout_s=_CHECK_TIMEOUT_S,
        accept=(0, 2, 3),
    )
    facts = _json(output)
    if facts.get("corruptions") or facts.get("check-errors"):
        raise ImageError(
            "The image is truncated or damaged: its tables and its data do not fit together.",
            remedy="Copy or download it again, and compare its checksum.",
            code="image.corrupt",
            detail=output.decode(errors="replace"),
        )


def source_option(path: Path, format: VolumeFormat) -> str:
    """How qemu-img is told an image with --image-opts: format named, path as nothing but a path.

    In a plain file name, `nbd:` or `json:` at the beginning would have a meaning.
    """
    driver = "raw" if format is VolumeFormat.ISO else format.value
    name = str(path.absolute()).replace(",", ",,")
    return f"driver={driver},file.driver=file,file.filename={name}"


def limited(command: str, path: Path, format: VolumeFormat) -> Sequence[str]:
    """A qemu-img command line for one untrusted image, under limits of memory and CPU time."""
    limits = ["prlimit", f"--as={_MEMORY_BYTES}", f"--cpu={_CPU_S}", "--core=0", "--"]
    return [
        *limits,
        "qemu-img",
        command,
        "--output=json",
        "--image-opts",
        source_option(path, format),
    ]


def _json(output: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(output)
    except ValueError as exc:
        message = "QEMU's answer about this image cannot be read."
        raise ImageError(message, detail=output.decode(errors="replace")) from exc
    return facts if isinstance(facts, dict) else {}
