"""Makes a file of unknown origin, uploaded or downloaded, into an image that VMs can be made of."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from castalia.images.command import Check, Progress
from castalia.images.convert import convert_to_qcow2
from castalia.images.decompress import compression, decompress, inner_name
from castalia.images.inspect import ImageInfo, inspect_image
from castalia.images.room import room
from castalia.model.amount import MAX_VOLUME_BYTES
from castalia.model.storage import VolumeFormat


@dataclass(frozen=True, kw_only=True)
class PreparedImage:
    """A finished image. `info` is what it is now, not what it came as."""

    path: Path
    info: ImageInfo


def prepare(
    source: Path,
    destination: Path,
    *,
    filename: str,
    progress: Progress,
    check: Check,
    max_bytes: int = MAX_VOLUME_BYTES,
) -> PreparedImage:
    """Unpacks, inspects and converts `source`; an ISO stays an ISO, any disk becomes fresh qcow2.

    Even a qcow2 disk is written anew: nothing that its maker hid in the container survives.
    `source` is only read, `filename` is the name it had with its owner. `destination` appears at
    the end. Raises ImageError and StorageError with the reason, or what `check` raises.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".import-") as scratch:
        image, name = source, filename
        if compression(source):
            image, name = Path(scratch) / "unpacked", inner_name(filename)
            share = _share(progress, 0, 40)
            decompress(source, image, max_bytes=max_bytes, progress=share, check=check)
        progress(40, "Inspecting the image")
        info = inspect_image(image, filename=name, max_virtual_bytes=max_bytes, check=check)
        fresh = Path(scratch) / "fresh"
        share = _share(progress, 50, 100)
        if info.format is VolumeFormat.ISO:
            _copy(image, fresh, check)
        else:
            convert_to_qcow2(image, fresh, format=info.format, progress=share, check=check)
            info = inspect_image(fresh, check=check)
        fresh.replace(destination)
    progress(100, "Ready")
    return PreparedImage(path=destination, info=info)


def _share(progress: Progress, start: int, end: int) -> Progress:
    """Progress of a part, as progress of the whole."""
    return lambda percent, message: progress(start + percent * (end - start) // 100, message)


def _copy(source: Path, target: Path, check: Check) -> None:
    with room(), source.open("rb") as file, target.open("wb") as copy:
        while chunk := file.read(4 * 1024**2):
            check()
            copy.write(chunk)
