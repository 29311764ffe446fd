"""Which repository a new disk goes to."""

from sqlalchemy import Connection

from castalia.db import storage as storage_store
from castalia.model.host import Host
from castalia.model.storage import Repository
from castalia.model.vm import Disk


def chosen_repository(
    connection: Connection, host: Host, name: str, *, beside: tuple[Disk, ...] = ()
) -> Repository | None:
    """The repository of that name; without one, where the first of the disks `beside` lies, or the
    host's `default`, or the one with most space. None if the host has no usable one.

    Raises NotFound for an unknown name.
    """
    if name:
        return storage_store.find(connection, name, host_id=host.id)
    usable = [r for r in storage_store.of_host(connection, host.id) if r.state.value == "active"]
    first = _of_first(connection, host, beside)
    preferred = sorted(
        usable, key=lambda r: (r.name != first, r.name != "default", -r.available_bytes)
    )
    return preferred[0] if preferred else None


def _of_first(connection: Connection, host: Host, disks: tuple[Disk, ...]) -> str:
    """The name of the repository where the first real disk lies, empty if nobody knows."""
    for disk in disks:
        if disk.device.value == "disk" and disk.source and not disk.read_only:
            volume = storage_store.volume_at(connection, host_id=host.id, path=disk.source)
            return volume.repository_name if volume else ""
    return ""
