"""What every part of the libvirt driver stands on: the connection, its events, one VM by UUID."""

import contextlib
from collections.abc import Iterator

import libvirt

from castalia.hypervisor.connection import Cleanup, LibvirtConnection
from castalia.hypervisor.definition_cache import DefinitionCache
from castalia.hypervisor.events import EventRelay

CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class LibvirtPart:
    """Base of the driver's parts, which each answer for one concern."""

    def __init__(self, connection: LibvirtConnection) -> None:
        self.connection = connection
        self._relay = EventRelay(connection)
        self._definitions = DefinitionCache()
        self._relay.listen(self._definitions.on_signal)
        connection.on_open(self._start_afresh)

    def _start_afresh(self, _handle: libvirt.virConnect) -> Cleanup:
        self._definitions.clear()
        return lambda: None

    @contextlib.contextmanager
    def _vm(self, uuid: str, doing: str) -> Iterator[libvirt.virDomain]:
        """The VM for a block of calls; `doing` has a place for its name ("starting {}")."""
        with self.connection.calling("looking for the VM") as handle:
            domain = handle.lookupByUUIDString(uuid)
        with self.connection.calling(doing.format(domain.name())):
            yield domain

    @contextlib.contextmanager
    def _changing(self, uuid: str, doing: str) -> Iterator[libvirt.virDomain]:
        """The same for a change: what is known of the VM is read again afterwards, without waiting
        for the event."""
        try:
            with self._vm(uuid, doing) as domain:
                yield domain
        finally:
            self._definitions.forget(uuid)


def scopes(domain: libvirt.virDomain, *, live: bool) -> list[int]:
    """Which of a VM's two definitions a change concerns: the running one, the stored one."""
    active, persistent = bool(domain.isActive()), bool(domain.isPersistent())
    wanted = [LIVE] if (live and active) or not persistent else []
    return wanted + ([CONFIG] if persistent else [])
