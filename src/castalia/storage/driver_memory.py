"""Storage that lives in this process's memory: keeps every promise of the driver, for tests and for
trying things out."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from castalia.model.amount import TIB
from castalia.model.names import checked_name
from castalia.model.storage import RepositoryFacts, VolumeFacts, VolumeFormat
from castalia.storage import directories, refusals, rules
from castalia.storage.image_header import HEADER_BYTES, read_header

_CHUNK_BYTES = 1 << 20


@dataclass(kw_only=True)
class _Repository:
    path: str
    capacity_bytes: int
    volumes: dict[str, VolumeFacts] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def used_bytes(self) -> int:
        return sum(volume.allocation_bytes for volume in self.volumes.values())


class MemoryStorage:
    """One imaginary host's repositories. Any thread may use it."""

    def __init__(self, *, capacity_bytes: int = TIB) -> None:
        """Every repository has room for `capacity_bytes`; an empty volume takes none."""
        self._capacity_bytes = capacity_bytes
        self._repositories: dict[str, _Repository] = {}
        self._lock = threading.RLock()

    def content(self, repository: str, name: str) -> bytes:
        """What was uploaded into a volume; empty for a blank one."""
        with self._volume(repository, name) as (holder, _facts):
            return holder.contents.get(name, b"")

    def repositories(self, *, refresh: bool = False) -> list[RepositoryFacts]:  # noqa: ARG002 -- always fresh
        with self._lock:
            return [self.repository(name) for name in sorted(self._repositories)]

    def repository(self, name: str, *, refresh: bool = False) -> RepositoryFacts:  # noqa: ARG002 -- always fresh
        with self._repository(name) as found:
            return RepositoryFacts(
                name=name,
                path=found.path,
                kind="dir",
                active=True,
                capacity_bytes=found.capacity_bytes,
                allocation_bytes=found.used_bytes,
                available_bytes=found.capacity_bytes - found.used_bytes,
                volumes=tuple(found.volumes[volume] for volume in sorted(found.volumes)),
            )

    def ensure_repository(self, name: str, path: str) -> RepositoryFacts:
        checked_name(name, field="repository")
        directory = directories.checked_directory(path)
        with self._lock:
            for other, found in self._repositories.items():
                directories.check_place(name, directory, other=other, other_path=found.path)
            new = _Repository(path=directory, capacity_bytes=self._capacity_bytes)
            self._repositories.setdefault(name, new)
            return self.repository(name)

    def forget_repository(self, name: str) -> None:
        with self._lock:
            self._repositories.pop(name, None)

    def volume(self, repository: str, name: str) -> VolumeFacts:
        with self._volume(repository, name) as (_holder, facts):
            return facts

    def create_volume(
        self,
        repository: str,
        name: str,
        *,
        size_bytes: int,
        format: VolumeFormat = VolumeFormat.QCOW2,
        backing_path: str = "",
        backing_format: VolumeFormat = VolumeFormat.QCOW2,  # noqa: ARG002 -- nothing reads it
    ) -> VolumeFacts:
        rules.checked_volume_name(name)
        rules.checked_size(size_bytes)
        rules.checked_blank_format(format, linked=bool(backing_path))
        with self._repository(repository) as holder:
            if name in holder.volumes:
                return rules.same_or_conflict(
                    holder.volumes[name],
                    size_bytes=size_bytes,
                    format=format,
                    backing_path=backing_path,
                )
            self._check_backing(backing_path, size_bytes)
            facts = VolumeFacts(
                name=name,
                path=f"{holder.path}/{name}",
                format=format,
                capacity_bytes=size_bytes,
                allocation_bytes=0,
                backing_path=backing_path,
            )
            return holder.volumes.setdefault(name, facts)

    def delete_volume(self, repository: str, name: str) -> None:
        rules.checked_volume_name(name)
        with self._repository(repository) as holder:
            holder.volumes.pop(name, None)
            holder.contents.pop(name, None)

    def resize_volume(self, repository: str, name: str, size_bytes: int) -> VolumeFacts:
        with self._volume(repository, name) as (holder, facts):
            grown = replace(facts, capacity_bytes=rules.checked_growth(facts, size_bytes))
            holder.volumes[name] = grown
            return grown

    def clone_volume(self, repository: str, name: str, *, target: str) -> VolumeFacts:
        rules.checked_volume_name(target)
        with self._volume(repository, name) as (holder, facts):
            if target in holder.volumes:
                return rules.same_copy_or_conflict(holder.volumes[target], facts)
            path = f"{holder.path}/{target}"
            copy = replace(facts, name=target, path=path, backing_path="")
            self._store(holder, copy, holder.contents.get(name, b""))
            return copy

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
        rules.checked_volume_name(name)
        rules.checked_size(size_bytes)
        with self._repository(repository) as holder:
            content = _read(source, size_bytes, progress)
            header = read_header(content[:HEADER_BYTES], size_bytes=size_bytes)
            facts = VolumeFacts(
                name=name,
                path=f"{holder.path}/{name}",
                format=rules.checked_image(header, name=name, format=format),
                capacity_bytes=header.capacity_bytes,
                allocation_bytes=size_bytes,
            )
            self.delete_volume(repository, name)
            self._store(holder, facts, content)
            return facts

    def local_path(self, repository: str, name: str) -> Path | None:
        with self._volume(repository, name):
            return None

    # --- inside ---
    @contextlib.contextmanager
    def _repository(self, name: str) -> Iterator[_Repository]:
        with self._lock:
            if name not in self._repositories:
                raise refusals.no_repository(name)
            yield self._repositories[name]

    @contextlib.contextmanager
    def _volume(self, repository: str, name: str) -> Iterator[tuple[_Repository, VolumeFacts]]:
        rules.checked_volume_name(name)
        with self._repository(repository) as holder:
            if name not in holder.volumes:
                raise refusals.no_volume(repository, name)
            yield holder, holder.volumes[name]

    def _check_backing(self, path: str, size_bytes: int) -> None:
        if not path:
            return
        volumes = [v for found in self._repositories.values() for v in found.volumes.values()]
        backing = next((volume for volume in volumes if volume.path == path), None)
        if backing is None:
            raise refusals.no_backing(path)
        rules.check_covers_backing(size_bytes, backing)

    def _store(self, holder: _Repository, facts: VolumeFacts, content: bytes) -> None:
        if holder.used_bytes + facts.allocation_bytes > holder.capacity_bytes:
            raise refusals.full(facts.name)
        holder.volumes[facts.name] = facts
        holder.contents[facts.name] = content


def _read(source: BinaryIO, size_bytes: int, progress: Callable[[int], None] | None) -> bytes:
    content = bytearray()
    while len(content) < size_bytes:
        chunk = source.read(min(_CHUNK_BYTES, size_bytes - len(content)))
        if not chunk:
            raise refusals.ended_early(len(content), size_bytes)
        content += chunk
        if progress is not None:
            progress(len(content))
    return bytes(content)
