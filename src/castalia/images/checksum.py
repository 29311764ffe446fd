"""Compares a file with the checksum that its publisher gave."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from castalia.errors import ImageError, InvalidRequest
from castalia.images.command import Check, keep_going

_LENGTHS = {64: "sha256", 128: "sha512"}
_TEXT = re.compile(r"(?:(sha256|sha512):)?([0-9a-f]+)")
_CHUNK_BYTES = 4 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """What a file's bytes must hash to."""

    algorithm: str
    digest: str

    @classmethod
    def parse(cls, text: str, *, field: str = "checksum") -> "Checksum":
        """From `sha256:HEX`, `sha512:HEX`, or HEX alone; raises InvalidRequest."""
        match = _TEXT.fullmatch(text.strip().lower())
        named, digest = match.groups() if match else ("", "")
        algorithm = _LENGTHS.get(len(digest))
        if algorithm is None or (named and named != algorithm):
            raise InvalidRequest(
                "This is not a SHA-256 or SHA-512 checksum.",
                field=field,
                remedy="Paste the 64 or 128 hexadecimal digits from the publisher's list.",
            )
        return cls(algorithm=algorithm, digest=digest)

    def verify(self, path: Path, *, check: Check = keep_going) -> None:
        """Raises ImageError when the file's bytes are others. `check` can cancel."""
        if (found := file_digest(path, self.algorithm, check=check)) != self.digest:
            raise ImageError(
                "The file's checksum is not the one that was given: it was changed or damaged.",
                remedy="Compare the checksum with its publisher's; if it is right, fetch it again.",
                code="image.checksum",
                detail=f"{self.algorithm} is {found}, expected {self.digest}",
            )


def file_digest(path: Path, algorithm: str = "sha256", *, check: Check = keep_going) -> str:
    """The hexadecimal digest of the whole file."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            check()
            digest.update(chunk)
    return digest.hexdigest()
