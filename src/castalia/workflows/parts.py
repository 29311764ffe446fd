"""What workflows are given to work with."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from castalia.db.database import Database
from castalia.hypervisor.driver import HypervisorDriver
from castalia.model.event import Change, Severity
from castalia.model.host import Host
from castalia.settings import Settings
from castalia.storage.driver import StorageDriver


class HostLinks(Protocol):
    """The manager's live connections. Raises HostUnreachable at once for a host that is known to be
    away."""

    def hypervisor(self, host_id: str) -> HypervisorDriver:
        """The driver of a host."""

    def storage(self, host_id: str) -> StorageDriver:
        """The storage driver of a host."""

    def probe(self, uri: str) -> HypervisorDriver:
        """A fresh connection to a host that is not managed yet; the caller closes it."""

    def attach(self, host: Host) -> None:
        """Connects to a newly registered host, reads what is on it, and watches it from now on."""

    def detach(self, host_id: str) -> None:
        """Stops watching a host and closes its connection."""

    def refresh_vm(self, host_id: str, uuid: str) -> None:
        """Reads one VM again, so that the database and the pages show what the host has."""

    def refresh_storage(self, host_id: str, repository: str = "") -> None:
        """Reads a host's repositories again."""

    def refresh_networks(self, host_id: str) -> None:
        """Reads a host's networks again."""

    def refresh_facts(self, host_id: str) -> None:
        """Reads again what a host is and can do, its accelerator included."""


class Recorder(Protocol):
    """Writes an event for people."""

    def __call__(
        self,
        kind: str,
        text: str,
        *,
        subject: str = "",
        subject_name: str = "",
        severity: Severity = Severity.INFO,
        host_id: str = "",
        job_id: str = "",
        user_name: str = "",
    ) -> None:
        """`subject` is `noun:id`."""


class Locks:
    """Locks by name within this process, for work that two jobs may want to do at once but only one
    should."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits for `name`, holds it, gives it free."""
        with self._guard:
            lock = self._locks[name]
        with lock:
            yield


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a workflow may touch. `library` is the manager's directory of template
    disks; `uploads` finds the file of a finished upload."""

    database: Database
    links: HostLinks
    settings: Settings
    publish: Callable[[Iterable[Change]], None]
    record: Recorder
    library: Path
    uploads: Callable[[str], Path]
    locks: Locks = field(default_factory=Locks)
