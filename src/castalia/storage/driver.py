"""What the manager asks of a host's storage.

Repositories are named by their libvirt pool's name, volumes by repository and name. Names were
checked before: no driver method accepts a path from a user, except `ensure_repository`. Every
method may raise HostUnreachable, StorageError, and NotFound.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from castalia.model.storage import RepositoryFacts, VolumeFacts, VolumeFormat


class StorageDriver(Protocol):
    """One host's repositories."""

    def repositories(self, *, refresh: bool = False) -> list[RepositoryFacts]:
        """All repositories with their volumes; `refresh` has the host look at its directories
        again."""

    def repository(self, name: str, *, refresh: bool = False) -> RepositoryFacts:
        """One repository with its volumes."""

    def ensure_repository(self, name: str, path: str) -> RepositoryFacts:
        """Makes and starts a directory repository; one that is there with that path is no error.
        Raises Conflict if the name stands for another path."""

    def forget_repository(self, name: str) -> None:
        """Takes the repository out of the host's list; no file is deleted."""

    def volume(self, repository: str, name: str) -> VolumeFacts:
        """One volume."""

    def create_volume(
        self,
        repository: str,
        name: str,
        *,
        size_bytes: int,
        format: VolumeFormat = VolumeFormat.QCOW2,
        backing_path: str = "",
        backing_format: VolumeFormat = VolumeFormat.QCOW2,
    ) -> VolumeFacts:
        """Makes a volume; with `backing_path` a linked one. One of that name that is there already
        with the same backing and at least that size is returned as it is, so the call may be
        repeated."""

    def delete_volume(self, repository: str, name: str) -> None:
        """Deletes a volume; one that is gone is no error."""

    def resize_volume(self, repository: str, name: str, size_bytes: int) -> VolumeFacts:
        """Grows a volume that no running VM has open; shrinking is refused with InvalidRequest."""

    def clone_volume(self, repository: str, name: str, *, target: str) -> VolumeFacts:
        """Makes a full, independent copy called `target`; a copy that is already complete is
        returned."""

    def upload_volume(
        self,
        repository: str,
        name: str,
        source: BinaryIO,
        *,
        size_bytes: int,
        format: VolumeFormat,
        progress: Callable[[int], None] | None = None,
    ) -> VolumeFacts:
        """Makes the volume and fills it with `size_bytes` bytes from `source`; an older one of that
        name is replaced. `progress` is told the bytes done."""

    def local_path(self, repository: str, name: str) -> Path | None:
        """Where this machine sees the volume, or None when the host is elsewhere."""
