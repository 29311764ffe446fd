"""Repositories and volumes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VolumeFormat(StrEnum):
    """How a volume's bytes are laid out."""

    QCOW2 = "qcow2"
    RAW = "raw"
    ISO = "iso"
    OTHER = "other"


class RepositoryState(StrEnum):
    """Whether a repository can be used."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A named store of volumes on a host: a libvirt storage pool of type dir."""

    id: str
    host_id: str
    host_name: str = ""
    name: str
    path: str
    kind: str = "dir"
    state: RepositoryState = RepositoryState.ACTIVE
    capacity_bytes: int = 0
    allocation_bytes: int = 0
    available_bytes: int = 0
    volume_count: int = 0
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """A volume as its host reports it. `allocation_bytes` is what it really takes on disk."""

    name: str
    path: str
    format: VolumeFormat
    capacity_bytes: int
    allocation_bytes: int
    backing_path: str = ""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume as the manager knows it. `used_by` names the VMs and templates that need it."""

    id: str
    repository_id: str
    repository_name: str = ""
    host_id: str = ""
    facts: VolumeFacts
    used_by: tuple[str, ...] = ()
    seen_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RepositoryFacts:
    """A storage pool as its host reports it."""

    name: str
    path: str
    kind: str
    active: bool
    capacity_bytes: int
    allocation_bytes: int
    available_bytes: int
    volumes: tuple[VolumeFacts, ...] = ()
