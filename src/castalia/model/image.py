"""Disk images that come from outside."""

from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """Exactly one of: a URL, a path on the manager's machine, a finished upload's id; `filename` is
    what an upload was called by its sender."""

    url: str = ""
    path: str = ""
    upload_id: str = ""
    checksum: str = ""
    filename: str = ""

    @property
    def label(self) -> str:
        """What people read: never the query of a URL, which may hold a secret."""
        if self.url:
            parts = urlsplit(self.url)
            return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        return PurePath(self.path).name if self.path else self.filename or "the upload"

    @property
    def basename(self) -> str:
        """The file's own name, as far as the source tells."""
        return PurePath(unquote(urlsplit(self.url).path) or self.path or self.filename).name
