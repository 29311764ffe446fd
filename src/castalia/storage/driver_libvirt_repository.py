"""Repositories as libvirt's storage pools: found, made, read."""

import logging
from pathlib import Path

import libvirt

from castalia.errors import CastaliaError, Conflict, InvalidRequest, StorageError
from castalia.hypervisor.connection import LibvirtConnection
from castalia.model.storage import RepositoryFacts, VolumeFacts
from castalia.storage import refusals
from castalia.storage.directories import check_place
from castalia.storage.driver_libvirt_xml import COPYING, Pool, Volume, directory_pool

_log = logging.getLogger(__name__)

_GONE = frozenset({libvirt.VIR_ERR_NO_STORAGE_POOL, libvirt.VIR_ERR_NO_STORAGE_VOL})


def find(connection: LibvirtConnection, name: str) -> libvirt.virStoragePool:
    """The repository's pool; raises NotFound."""
    with connection.calling(f"looking for repository {name!r}") as handle:
        try:
            return handle.storagePoolLookupByName(name)
        except libvirt.libvirtError as error:
            if error.get_error_code() in _GONE:
                raise refusals.no_repository(name) from error
            raise


def active(connection: LibvirtConnection, name: str) -> libvirt.virStoragePool:
    """The repository's pool if volumes can be worked with; raises NotFound, or Conflict when it is
    stopped."""
    pool = find(connection, name)
    with connection.calling(f"looking at repository {name!r}"):
        if pool.isActive():
            return pool
    remedy = "Start it: add it again with the same name and directory."
    message = f"Repository {name!r} is stopped."
    raise Conflict(message, code="repository.inactive", remedy=remedy)


def refresh(connection: LibvirtConnection, pool: libvirt.virStoragePool) -> None:
    """Has the host look at the directory again. libvirt refuses that while something is copied into
    the pool; what it knows then is what is read."""
    name = pool.name()
    with connection.calling(f"looking at repository {name!r} again"):
        try:
            pool.refresh(0)
        except libvirt.libvirtError as error:
            if "asynchronous jobs" not in str(error):
                raise
            _log.debug("repository %s is being written to, not refreshed", name)


def facts(
    connection: LibvirtConnection, pool: libvirt.virStoragePool, *, again: bool
) -> RepositoryFacts:
    """What libvirt knows of the pool and its volumes; `again` has it look first."""
    name = pool.name()
    with connection.calling(f"reading repository {name!r}"):
        running = bool(pool.isActive())
        if running and again:
            refresh(connection, pool)
        definition = Pool(pool.XMLDesc(0))
        _state, capacity, allocation, available = pool.info()
        return RepositoryFacts(
            name=name,
            path=definition.path,
            kind=definition.kind,
            active=running,
            capacity_bytes=capacity,
            allocation_bytes=allocation,
            available_bytes=available,
            volumes=_volumes(pool) if running else (),
        )


def _volumes(pool: libvirt.virStoragePool) -> tuple[VolumeFacts, ...]:
    found = [_volume(v) for v in pool.listAllVolumes(0) if not v.name().endswith(COPYING)]
    return tuple(sorted((facts for facts in found if facts), key=lambda facts: facts.name))


def _volume(volume: libvirt.virStorageVol) -> VolumeFacts | None:
    """None for a volume that went away, or became unreadable, since it was listed: one bad file
    must not hide all others."""
    try:
        return Volume(volume.XMLDesc(0)).facts()
    except libvirt.libvirtError as error:
        if error.get_error_domain() == libvirt.VIR_FROM_STORAGE:
            return None
        raise


def ensure(connection: LibvirtConnection, name: str, path: str) -> libvirt.virStoragePool:
    """Defines, makes, starts and autostarts a directory pool, as far as that is not done yet.

    Raises Conflict if the name or the directory is taken, InvalidRequest for a symbolic link on
    this machine.
    """
    present = _present(connection, name, path)
    if present is None and connection.local:
        _check_no_link(path)
    pool = present or _defined(connection, name, path)
    try:
        _start(connection, pool, path)
    except CastaliaError:
        if present is None:
            forget(connection, pool)
        raise
    return pool


def _present(connection: LibvirtConnection, name: str, path: str) -> libvirt.virStoragePool | None:
    """The pool of that name; raises Conflict if it, or another one, is in the way."""
    found = None
    with connection.calling("reading the host's repositories") as handle:
        for pool in handle.listAllStoragePools(0):
            there = Pool(pool.XMLDesc(0))
            check_place(name, path, other=there.name, other_path=there.path)
            found = pool if there.name == name else found
    return found


def _check_no_link(path: str) -> None:
    real = Path(path).resolve()
    if real != Path(path):
        remedy = f"Use {real}, if that is meant."
        message = f"{path} leads to {real} by a symbolic link."
        raise InvalidRequest(message, field="path", remedy=remedy)


def _defined(connection: LibvirtConnection, name: str, path: str) -> libvirt.virStoragePool:
    with connection.calling(f"adding repository {name!r}") as handle:
        return handle.storagePoolDefineXML(directory_pool(name, path), 0)


def _start(connection: LibvirtConnection, pool: libvirt.virStoragePool, path: str) -> None:
    with connection.calling(f"starting repository {pool.name()!r}"):
        if not pool.isActive():
            _make_and_start(pool, path)
        pool.setAutostart(1)


def _make_and_start(pool: libvirt.virStoragePool, path: str) -> None:
    """A directory that is there keeps its permissions: `build` would change them."""
    try:
        pool.create(0)
    except libvirt.libvirtError:
        try:
            pool.build(0)
            pool.create(0)
        except libvirt.libvirtError as error:
            remedy = "Check the path, and that the host can make and read that directory."
            message = f"{path} cannot be a repository on this host."
            detail = str(error)
            raise StorageError(
                message, code="repository.unusable", remedy=remedy, detail=detail
            ) from error


def forget(connection: LibvirtConnection, pool: libvirt.virStoragePool) -> None:
    """Stops and undefines a pool; no file is deleted."""
    with connection.calling(f"removing repository {pool.name()!r}"):
        if pool.isActive():
            pool.destroy()
        if pool.isPersistent():
            pool.undefine()
