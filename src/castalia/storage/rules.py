"""What every storage driver demands of names, sizes and formats, and when a repeated call is the
same call."""

from castalia.errors import ImageError, InvalidRequest
from castalia.model.amount import MAX_VOLUME_BYTES, format_bytes
from castalia.model.storage import VolumeFacts, VolumeFormat
from castalia.storage import refusals
from castalia.storage.image_header import ImageHeader

_NAME_BYTES = 200  # file systems allow 255; a few are left for suffixes


def checked_volume_name(name: str) -> str:
    """Returns `name` if a file of a repository may be called so; raises InvalidRequest."""
    if "/" in name or name in ("", ".", ".."):
        raise _bad_name(name, "A volume is named without a path.")
    if name.startswith("-") or not name.isprintable() or len(name.encode()) > _NAME_BYTES:
        raise _bad_name(
            name,
            f"Use at most {_NAME_BYTES} printable characters, and begin with another than a dash.",
        )
    return name


def _bad_name(name: str, remedy: str) -> InvalidRequest:
    shown = name if len(name) <= _NAME_BYTES else f"{name[:40]}…"
    return InvalidRequest(f"{shown!r} cannot be a volume's name.", field="name", remedy=remedy)


def checked_size(size_bytes: int) -> int:
    """Returns `size_bytes` if a volume may have that size; raises InvalidRequest."""
    if 0 < size_bytes <= MAX_VOLUME_BYTES:
        return size_bytes
    remedy = f"Choose a size between 1 byte and {format_bytes(MAX_VOLUME_BYTES)}."
    message = f"A volume cannot have {format_bytes(size_bytes)}."
    raise InvalidRequest(message, field="size", remedy=remedy)


def checked_blank_format(format: VolumeFormat, *, linked: bool) -> VolumeFormat:
    """Returns `format` if an empty volume, or one linked to another, can have it; raises
    InvalidRequest."""
    allowed = (VolumeFormat.QCOW2,) if linked else (VolumeFormat.QCOW2, VolumeFormat.RAW)
    if format in allowed:
        return format
    remedy = f"Choose {' or '.join(allowed)}."
    kind = "A linked volume" if linked else "An empty volume"
    raise InvalidRequest(f"{kind} cannot be {format}.", field="format", remedy=remedy)


def same_or_conflict(
    present: VolumeFacts, *, size_bytes: int, format: VolumeFormat, backing_path: str
) -> VolumeFacts:
    """Returns the volume that is there if it is what a repeated call would make; raises
    Conflict."""
    alike = present.format is format and present.backing_path == backing_path
    if alike and present.capacity_bytes >= size_bytes:
        return present
    raise refusals.name_taken(present.name)


def checked_growth(present: VolumeFacts, size_bytes: int) -> int:
    """Returns the new size if the volume may grow to it, or has it; raises InvalidRequest."""
    if checked_size(size_bytes) >= present.capacity_bytes:
        return size_bytes
    now = format_bytes(present.capacity_bytes)
    remedy = "Volumes only grow: make a smaller one and copy the data over."
    message = f"{present.name} has {now} and cannot shrink to {format_bytes(size_bytes)}."
    raise InvalidRequest(message, field="size", remedy=remedy)


def same_copy_or_conflict(present: VolumeFacts, original: VolumeFacts) -> VolumeFacts:
    """Returns the volume that is there if it can be an independent copy of `original`; raises
    Conflict."""
    return same_or_conflict(
        present,
        size_bytes=original.capacity_bytes,
        format=original.format,
        backing_path="",
    )


def check_covers_backing(size_bytes: int, backing: VolumeFacts) -> None:
    """Raises InvalidRequest if a linked volume were smaller than what it is linked to: the guest
    would miss the end of its file systems."""
    if size_bytes < backing.capacity_bytes:
        least = format_bytes(backing.capacity_bytes)
        remedy = f"Choose at least {least}, the size of {backing.name}."
        message = f"{format_bytes(size_bytes)} is too small."
        raise InvalidRequest(message, field="size", remedy=remedy)


def checked_image(header: ImageHeader, *, name: str, format: VolumeFormat) -> VolumeFormat:
    """Returns the format that an uploaded image will be taken for; raises ImageError if that is not
    the announced one.

    A disk image that passes for a raw one could name any file of the host as its backing file.
    """
    announced, real = format is VolumeFormat.QCOW2, header.format is VolumeFormat.QCOW2
    if announced == real and not header.linked:
        return shown_format(header.format, name)
    remedy = "Convert it first: qemu-img convert -O qcow2 IMAGE NEW."
    fault = "needs another file" if header.linked else f"is not what it says ({format})"
    raise ImageError(f"The image {name!r} {fault}.", remedy=remedy)


def shown_format(format: VolumeFormat, name: str) -> VolumeFormat:
    """The format to show for a volume: raw bytes in a file called `….iso` are an ISO image."""
    if format is VolumeFormat.RAW and name.lower().endswith(".iso"):
        return VolumeFormat.ISO
    return format
