"""Uploads: files that arrive in pieces and may be resumed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file on its way to the manager. `offset` bytes of `size_bytes` have arrived."""

    id: str
    filename: str
    size_bytes: int
    offset: int = 0
    sha256: str = ""
    created_by: str = ""
    created_at: datetime

    @property
    def complete(self) -> bool:
        """Whether every byte has arrived."""
        return self.offset == self.size_bytes
