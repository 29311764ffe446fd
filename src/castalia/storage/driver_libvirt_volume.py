"""Volumes in one libvirt storage pool: found, made, copied, deleted; an attempt that fails leaves
nothing."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import libvirt

from castalia.errors import Busy, CastaliaError, Conflict, HypervisorError, StorageError
from castalia.hypervisor.connection import LibvirtConnection
from castalia.model.storage import VolumeFacts, VolumeFormat
from castalia.storage import driver_libvirt_repository as repositories
from castalia.storage import refusals, rules
from castalia.storage.driver_libvirt_upload import Feed, pour
from castalia.storage.driver_libvirt_xml import COPYING, Volume, new_volume


@dataclass(frozen=True, kw_only=True)
class PoolVolumes:
    """The volumes of one active pool."""

    connection: LibvirtConnection
    pool: libvirt.virStoragePool
    repository: str

    def find(self, name: str) -> libvirt.virStorageVol | None:
        """The volume, or None; a file that libvirt does not know yet is found too."""
        return self._known(name) or self._known(name, again=True)

    def get(self, name: str) -> libvirt.virStorageVol:
        """The volume; raises NotFound."""
        if (volume := self.find(name)) is None:
            raise refusals.no_volume(self.repository, name)
        return volume

    def read(self, volume: libvirt.virStorageVol) -> Volume:
        """The volume as it is now; raises Busy while libvirt itself is still writing it."""
        with self._calling(f"reading volume {volume.name()!r}"):
            return Volume(volume.XMLDesc(0))

    def facts(self, name: str) -> VolumeFacts:
        """The volume as it is now; raises NotFound."""
        return self.read(self.get(name)).facts()

    def create(
        self,
        name: str,
        *,
        size_bytes: int,
        format: VolumeFormat,
        backing_path: str = "",
        backing_format: VolumeFormat = VolumeFormat.QCOW2,
    ) -> VolumeFacts:
        """Makes a volume, or returns the one that is there if it is the same. Raises Conflict."""
        self._check_backing(backing_path, size_bytes)
        xml = new_volume(
            name,
            size_bytes=size_bytes,
            format=format,
            backing_path=backing_path,
            backing_format=backing_format,
        )
        try:
            volume = self._create(name, xml)
        except Conflict:
            if self._known(name, again=True) is not None:
                return rules.same_or_conflict(
                    self.facts(name),
                    size_bytes=size_bytes,
                    format=format,
                    backing_path=backing_path,
                )
            volume = self._create(name, xml)  # its file had gone without libvirt's knowing
        return self.read(volume).facts()

    def delete(self, name: str) -> None:
        """Deletes a volume, also an incomplete copy; one that is gone is no error."""
        for volume in (self.find(name), self._known(name + COPYING)):
            if volume is not None:
                with self._calling(f"deleting volume {name!r}"), _gone_is_fine():
                    volume.delete(0)

    def grow(self, name: str, size_bytes: int) -> VolumeFacts:
        """Grows a volume; raises InvalidRequest if that would shrink it."""
        volume = self.get(name)
        present = self.read(volume).facts()
        if rules.checked_growth(present, size_bytes) > present.capacity_bytes:
            with self._calling(f"growing volume {name!r}"):
                volume.resize(size_bytes, 0)
        return self.read(volume).facts()

    def clone(self, name: str, target: str) -> VolumeFacts:
        """Copies a volume with all that it is linked to; an incomplete copy of before is made anew.

        A marker file beside it tells complete from incomplete, whoever died in between.
        """
        volume, marker = self.get(name), target + COPYING
        original = self.read(volume).facts()
        if self.find(target) is not None:
            if self._known(marker) is None:
                return rules.same_copy_or_conflict(self.facts(target), original)
            self.delete(target)
        self.create(marker, size_bytes=1, format=VolumeFormat.RAW)
        xml = new_volume(target, size_bytes=original.capacity_bytes, format=original.format)
        try:
            with self._calling(f"copying volume {name!r}"):
                copy = self.pool.createXMLFrom(xml, volume, 0)
        finally:
            self.delete(marker)
        return self.read(copy).facts()

    def upload(
        self,
        name: str,
        feed: Feed,
        *,
        format: VolumeFormat,
        progress: Callable[[int], None] | None,
    ) -> VolumeFacts:
        """Replaces the volume by one with the bytes of `feed`."""
        header = feed.checked_header(name=name, format=format)
        volume = self._new_and_empty(name, feed.size_bytes)
        try:
            with self._calling(f"uploading volume {name!r}") as handle:
                pour(feed, volume, handle.newStream(0), progress=progress)
        except BaseException:
            with contextlib.suppress(CastaliaError):  # the first error is the one to tell
                self.delete(name)
            raise
        # libvirt looks into the file soon after the upload has ended, maybe not before we ask.
        real = rules.shown_format(header.format, name)
        return replace(self.read(volume).facts(), format=real, capacity_bytes=header.capacity_bytes)

    # --- inside ---
    def _known(self, name: str, *, again: bool = False) -> libvirt.virStorageVol | None:
        if again:
            repositories.refresh(self.connection, self.pool)
        with self._calling(f"looking for volume {name!r}"), _gone_is_fine():
            return self.pool.storageVolLookupByName(name)
        return None

    def _create(self, name: str, xml: str) -> libvirt.virStorageVol:
        with self._calling(f"creating volume {name!r}"):
            return self.pool.createXML(xml, 0)

    def _new_and_empty(self, name: str, size_bytes: int) -> libvirt.virStorageVol:
        xml = new_volume(name, size_bytes=size_bytes, format=VolumeFormat.RAW)
        with contextlib.suppress(Conflict):
            return self._create(name, xml)
        self.delete(name)
        return self._create(name, xml)

    def _check_backing(self, path: str, size_bytes: int) -> None:
        """A backing file outside of every repository is qemu-img's to look at."""
        if not path:
            return
        with self._calling("looking at the volume to link to") as handle, _gone_is_fine():
            backing = Volume(handle.storageVolLookupByPath(path).XMLDesc(0))
            rules.check_covers_backing(size_bytes, backing.facts())

    @contextlib.contextmanager
    def _calling(self, doing: str) -> Iterator[libvirt.virConnect]:
        """Calls of libvirt whose errors become those of storage."""
        try:
            with self.connection.calling(doing) as handle:
                yield handle
        except CastaliaError as error:
            raise _of_storage(error) from error


def _of_storage(error: CastaliaError) -> CastaliaError:
    """The same in the words of storage, where what libvirt said means something special here."""
    if "is still being allocated" in error.detail:
        remedy = "It is tried again until that has ended."
        return Busy("The volume is still being written.", remedy=remedy, detail=error.detail)
    if "inaccessible backing store" in error.detail:
        return refusals.no_backing(error.detail)
    if isinstance(error, HypervisorError):
        return StorageError(error.message, remedy=error.remedy, detail=error.detail)
    return error


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
