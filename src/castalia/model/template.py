"""Templates: immutable VM definitions with volumes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TemplateState(StrEnum):
    """Whether VMs can be made of a template."""

    BUILDING = "building"
    READY = "ready"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template. Its disk is a read-only volume that linked clones are based on."""

    id: str
    name: str
    title: str = ""
    os: str = ""
    arch: str = "x86_64"
    state: TemplateState = TemplateState.READY
    host_id: str = ""
    repository_id: str = ""
    volume: str = ""
    path: str = ""
    format: str = "qcow2"
    disk_bytes: int = 0
    size_bytes: int = 0
    sha256: str = ""
    min_memory_mib: int = 128
    default_size: str = "small"
    default_user: str = ""
    cloud_init: bool = True
    agent: bool = False
    firmware: str = "bios"
    machine: str = ""
    source: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    vm_count: int = 0
    created_at: datetime
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class TemplateEdit:
    """New values for a template; None leaves a value as it is."""

    name: str | None = None
    title: str | None = None
    os: str | None = None
    default_size: str | None = None
    default_user: str | None = None
    min_memory_mib: int | None = None


@dataclass(frozen=True, kw_only=True)
class TemplateCopy:
    """A template's disk on a host: the volume at `path`, in the repository of that name."""

    template_id: str
    host_id: str
    repository: str
    path: str
