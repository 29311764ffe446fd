"""What a template build results in."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """A finished template disk. `packages` says which versions are in it."""

    path: Path
    format: str = "qcow2"
    virtual_bytes: int
    size_bytes: int
    sha256: str
    packages: dict[str, str] = field(default_factory=dict)
