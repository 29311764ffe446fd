"""Storage of a host that runs libvirt: repositories are its storage pools of type `dir`."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from castalia.errors import NotFound
from castalia.hypervisor.connection import LibvirtConnection
from castalia.model.names import checked_name
from castalia.model.storage import RepositoryFacts, VolumeFacts, VolumeFormat
from castalia.storage import driver_libvirt_repository as pools
from castalia.storage import rules
from castalia.storage.directories import checked_directory
from castalia.storage.driver_libvirt_upload import Feed
from castalia.storage.driver_libvirt_use import check_unused
from castalia.storage.driver_libvirt_volume import PoolVolumes


class LibvirtStorage:
    """One host's repositories, over a connection that is shared with others. Any thread may use
    it."""

    def __init__(self, connection: LibvirtConnection) -> None:
        self._connection = connection

    def repositories(self, *, refresh: bool = False) -> list[RepositoryFacts]:
        with self._connection.calling("reading the host's repositories") as handle:
            found = sorted(handle.listAllStoragePools(0), key=lambda pool: str(pool.name()))
        return [pools.facts(self._connection, pool, again=refresh) for pool in found]

    def repository(self, name: str, *, refresh: bool = False) -> RepositoryFacts:
        return pools.facts(self._connection, pools.find(self._connection, name), again=refresh)

    def ensure_repository(self, name: str, path: str) -> RepositoryFacts:
        checked_name(name, field="repository")
        pool = pools.ensure(self._connection, name, checked_directory(path))
        return pools.facts(self._connection, pool, again=False)

    def forget_repository(self, name: str) -> None:
        try:
            pool = pools.find(self._connection, name)
        except NotFound:
            return
        pools.forget(self._connection, pool)

    def volume(self, repository: str, name: str) -> VolumeFacts:
        return self._volumes(repository).facts(rules.checked_volume_name(name))

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
        return self._volumes(repository).create(
            rules.checked_volume_name(name),
            size_bytes=rules.checked_size(size_bytes),
            format=rules.checked_blank_format(format, linked=bool(backing_path)),
            backing_path=backing_path,
            backing_format=backing_format,
        )

    def delete_volume(self, repository: str, name: str) -> None:
        volumes = self._volumes(repository)
        if (volume := volumes.find(rules.checked_volume_name(name))) is not None:
            with self._connection.calling(f"looking who uses volume {name!r}") as handle:
                check_unused(handle, volume, local=self._connection.local)
        volumes.delete(name)

    def resize_volume(self, repository: str, name: str, size_bytes: int) -> VolumeFacts:
        return self._volumes(repository).grow(rules.checked_volume_name(name), size_bytes)

    def clone_volume(self, repository: str, name: str, *, target: str) -> VolumeFacts:
        rules.checked_volume_name(name)
        return self._volumes(repository).clone(name, rules.checked_volume_name(target))

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
        volumes = self._volumes(repository)
        feed = Feed(source, size_bytes=rules.checked_size(size_bytes))
        return volumes.upload(name, feed, format=format, progress=progress)

    def local_path(self, repository: str, name: str) -> Path | None:
        if not self._connection.local:
            return None
        volumes = self._volumes(repository)
        volume = volumes.read(volumes.get(rules.checked_volume_name(name)))
        return _same_file(Path(volume.path), volume.changed_at)

    def _volumes(self, repository: str) -> PoolVolumes:
        pool = pools.active(self._connection, repository)
        return PoolVolumes(connection=self._connection, pool=pool, repository=repository)


def _same_file(path: Path, changed_at: str) -> Path | None:
    """`path` if it is the file that libvirt means: a libvirt on this machine may yet have a file
    system of its own, but two files do not change in the same nanosecond."""
    try:
        seconds, nanoseconds = divmod(path.stat().st_ctime_ns, 10**9)
    except OSError:
        return None
    return path if changed_at == f"{seconds}.{nanoseconds:09d}" else None
