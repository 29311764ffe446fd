"""The manager's end of the connection to one host."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from castalia.errors import HostUnreachable
from castalia.hypervisor.driver import HypervisorDriver
from castalia.model.host import HostState
from castalia.storage.driver import StorageDriver

_ADDRESS_HUNT_S = 180.0
_FIRST_ATTEMPT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Drivers:
    """Both sides of a host, over one connection."""

    hypervisor: HypervisorDriver
    storage: StorageDriver


OpenHost = Callable[[str], Drivers]
"""Makes the drivers for a URI; connects to nothing yet."""


@dataclass(kw_only=True)
class HostLink:
    """What is known of one host's connection. `work` is held by whoever reads the host as a
    whole."""

    host_id: str
    name: str
    uri: str
    drivers: Drivers
    state: HostState = HostState.CONNECTING
    reason: str = ""
    attempts: int = 0
    work: threading.Lock = field(default_factory=threading.Lock)
    tried: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _dirty: set[str] = field(default_factory=set)
    _hunted: dict[str, float] = field(default_factory=dict)
    _sought: set[str] = field(default_factory=set)

    def require_up(self) -> None:
        """Raises HostUnreachable at once if the host is known to be away.

        Right after the manager's start it waits for the first attempt: jobs that were interrupted
        go on before the
        hosts are connected.
        """
        if self.state is HostState.CONNECTING:
            self.tried.wait(_FIRST_ATTEMPT_S)
        if self.state is not HostState.UP:
            reason = self.reason or "the connection is being made"
            remedy = "It is tried again every few seconds; look at the host's page."
            raise HostUnreachable(f"Host {self.name} is not reachable: {reason}", remedy=remedy)

    def mark_dirty(self, uuid: str) -> None:
        """Remembers that a VM has to be read again."""
        with self._guard:
            self._dirty.add(uuid)

    def take_dirty(self) -> set[str]:
        """The VMs to read again; they are forgotten here."""
        with self._guard:
            dirty, self._dirty = self._dirty, set()
        return dirty

    def hunt(self, uuid: str, *, again: bool = False) -> bool:
        """Remembers that a VM's address should be looked for; whether that is news.

        Each start of a VM is worth one hunt, however often the host is read meanwhile; `again`,
        when the agent has
        come, begins another.
        """
        with self._guard:
            if uuid in self._sought and not again:
                return False
            self._sought.add(uuid)
            self._hunted[uuid] = time.monotonic() + _ADDRESS_HUNT_S
            return True

    def found(self, uuid: str) -> None:
        """The VM's address is known."""
        with self._guard:
            self._hunted.pop(uuid, None)

    def off(self, uuid: str) -> None:
        """The VM does not run: its next start is worth a hunt again."""
        with self._guard:
            self._hunted.pop(uuid, None)
            self._sought.discard(uuid)

    def hunted(self) -> set[str]:
        """The VMs whose address is looked for; those looked for too long are given up."""
        now = time.monotonic()
        with self._guard:
            self._hunted = {uuid: end for uuid, end in self._hunted.items() if end > now}
            return set(self._hunted)
