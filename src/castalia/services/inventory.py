"""Keeps the database true to the hosts: connects, reads, watches, reconnects.

Lists never touch a host; this is what makes that right. Per host there is one full reading at each
connection and
one a minute as a safety net; between them, only what an event names is read again.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog
from sqlalchemy import Connection

from castalia.db import hosts as host_store
from castalia.db import networks as network_store
from castalia.db import storage as storage_store
from castalia.db import vm_sync
from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import CastaliaError, HostUnreachable, NotFound, Unsupported
from castalia.hypervisor.driver import HostSignal, HypervisorDriver
from castalia.model.clock import now
from castalia.model.event import Change, Severity
from castalia.model.host import Host, HostState
from castalia.model.vm import Address, VmFacts, VmState
from castalia.services.address_hunt import AddressHunt
from castalia.services.host_link import Drivers, HostLink, OpenHost
from castalia.services.scheduler import Scheduler
from castalia.settings import Settings
from castalia.storage.driver import StorageDriver
from castalia.workflows.parts import Recorder

_log = structlog.get_logger()
_COALESCE_S = 0.05
_LONGEST_PAUSE_S = 10.0


class Inventory:
    """All hosts' links. Fulfils the workflows' HostLinks."""

    def __init__(
        self,
        *,
        database: Database,
        open_host: OpenHost,
        scheduler: Scheduler,
        publish: Callable[[Iterable[Change]], None],
        record: Recorder,
        settings: Settings,
        lost: Callable[[str], None] = lambda host_id: None,  # noqa: ARG005 -- for tests
    ) -> None:
        """`lost` is told the id of a host that can no longer be asked."""
        self._lost = lost
        self._database = database
        self._open = open_host
        self._scheduler = scheduler
        self._publish = publish
        self._record = record
        self._settings = settings
        self._links: dict[str, HostLink] = {}
        self._hunt = AddressHunt(database=database, scheduler=scheduler, publish=publish)

    # --- for bootstrap and metrics ---
    def start(self) -> None:
        """Connects to every host that the database knows, in the background."""
        with self._database.read() as connection:
            hosts = host_store.every(connection)
        for host in hosts:
            link = self._link(host)
            self._scheduler.after(0, partial(self._connect, link), key=f"connect:{host.id}")

    def stop(self) -> None:
        """Closes every connection."""
        for host_id in list(self._links):
            self.detach(host_id)

    def up(self) -> list[HostLink]:
        """The hosts that can be asked now."""
        return [link for link in list(self._links.values()) if link.state is HostState.UP]

    # --- HostLinks ---
    def hypervisor(self, host_id: str) -> HypervisorDriver:
        """The driver of a host; raises HostUnreachable at once if it is away."""
        return self._usable(host_id).drivers.hypervisor

    def storage(self, host_id: str) -> StorageDriver:
        """The storage driver of a host; raises HostUnreachable at once if it is away."""
        return self._usable(host_id).drivers.storage

    def probe(self, uri: str) -> HypervisorDriver:
        """A fresh connection to a host that is not managed yet; the caller closes it."""
        driver = self._open(uri).hypervisor
        driver.connect()
        return driver

    def attach(self, host: Host) -> None:
        """Connects to a newly registered host, reads what is on it, and watches it."""
        link = self._links.get(host.id) or self._link(host)
        if link.state is not HostState.UP:
            self._connect(link)
        link.require_up()

    def detach(self, host_id: str) -> None:
        """Stops watching a host and closes its connection."""
        link = self._links.pop(host_id, None)
        if link is None:
            return
        for kind in ("connect", "flush", "resync", "storage", "networks"):
            self._scheduler.drop(f"{kind}:{host_id}")
        link.state = HostState.UNREACHABLE
        self._lost(host_id)
        link.drivers.hypervisor.close()

    def renamed(self, host: Host) -> None:
        """The host has another name from now on."""
        link = self._links.get(host.id)
        if link is not None:
            link.name = host.name
            self._tell_host(link)

    def store_addresses(self, addresses: Mapping[str, tuple[Address, ...]]) -> None:
        """Notes addresses that somebody asked for, by VM id."""
        with self._database.write() as connection:
            changes = vm_store.set_addresses(connection, addresses)
        self._publish(changes)

    def reconnect(self, host_id: str) -> None:
        """Tries an unreachable host again now."""
        link = self._known(host_id)
        if link.state is not HostState.UP:
            link.attempts = 0
            self._scheduler.after(0, partial(self._connect, link), key=f"connect:{host_id}")

    def refresh_vm(self, host_id: str, uuid: str) -> None:
        """Reads one VM again; one that was being created is from now on what its host says."""
        link = self._usable(host_id)
        with self._database.read() as connection:
            vm = vm_store.by_uuid(connection, host_id, uuid)
        if vm is not None and vm.state is VmState.CREATING:
            facts = link.drivers.hypervisor.vm(uuid)
            with self._database.write() as connection:
                settled = vm_sync.settle(connection, vm.id, facts)
            self._changed(link, [facts], [vm_store.change_of(settled, "updated")])
        else:
            self._read_vms(link, {uuid})

    def refresh_storage(self, host_id: str, repository: str = "") -> None:
        """Has the host look at its repositories again, and reads them."""
        link = self._usable(host_id)
        if repository:
            link.drivers.storage.repository(repository, refresh=True)
        self._read_storage(link, refresh=not repository)

    def refresh_networks(self, host_id: str) -> None:
        """Reads a host's networks again."""
        self._read_networks(self._usable(host_id))

    def refresh_facts(self, host_id: str) -> None:
        """Reads again what a host is and can do, its accelerator included."""
        link = self._usable(host_id)
        with self._database.write() as connection:
            host_store.set_facts(connection, host_id, link.drivers.hypervisor.facts())
        self._tell_host(link)

    # --- connection ---
    def _known(self, host_id: str) -> HostLink:
        link = self._links.get(host_id)
        if link is None:
            raise NotFound("This host is not managed.", code="host.not-found")
        return link

    def _usable(self, host_id: str) -> HostLink:
        link = self._known(host_id)
        link.require_up()
        return link

    def _link(self, host: Host) -> HostLink:
        drivers: Drivers = self._open(host.uri)
        link = HostLink(host_id=host.id, name=host.name, uri=host.uri, drivers=drivers)
        drivers.hypervisor.watch(partial(self._signalled, link))
        self._links[host.id] = link
        return link

    def _connect(self, link: HostLink) -> None:
        with link.work:
            if link.state is HostState.UP or link.host_id not in self._links:
                return
            try:
                self._open_and_read(link)
            except CastaliaError as error:
                self._away(link, error.message)
                return
            finally:
                link.tried.set()
        # Hosts that connected together, as at the start, must not be compared together for ever.
        share = zlib.crc32(link.host_id.encode()) / 2**32
        self._schedule_resync(link, pause_s=self._settings.hosts.resync_s * share)

    def _open_and_read(self, link: HostLink) -> None:
        driver = link.drivers.hypervisor
        driver.connect()
        facts = driver.facts()
        was = link.state
        with self._database.write() as connection:
            host_store.set_facts(connection, link.host_id, facts)
        self._read_all(link)
        self._read_storage(link)
        self._read_networks(link)
        link.state, link.reason, link.attempts = HostState.UP, "", 0
        self._store_state(link)
        if was is HostState.UNREACHABLE:
            self._event(link, "host.back", f"Host {link.name} is reachable again.")

    def _away(self, link: HostLink, reason: str) -> None:
        """The host cannot be asked; says so once, and tries again after a pause."""
        first = link.state is not HostState.UNREACHABLE
        link.state, link.reason = HostState.UNREACHABLE, reason
        if first:
            self._lost(link.host_id)
            self._store_state(link)
            self._mark_unknown(link)
            self._event(
                link,
                "host.unreachable",
                f"Host {link.name} is not reachable: {reason}",
                severity=Severity.ERROR,
            )
        pause_s = min(self._settings.hosts.reconnect_s * 2**link.attempts, _LONGEST_PAUSE_S)
        link.attempts = min(link.attempts + 1, 8)
        if link.host_id in self._links:
            self._scheduler.after(
                pause_s, partial(self._connect, link), key=f"connect:{link.host_id}"
            )

    def _schedule_resync(self, link: HostLink, *, pause_s: float) -> None:
        key = f"resync:{link.host_id}"
        self._scheduler.after(pause_s, partial(self._resync, link), key=key)

    def _resync(self, link: HostLink) -> None:
        if link.state is not HostState.UP:
            return
        try:
            with link.work:
                self._read_all(link)
                self._read_storage(link)
        except HostUnreachable as error:
            self._away(link, error.message)
            return
        except CastaliaError as error:
            _log.warning("resync failed", host=link.name, error=error.message, detail=error.detail)
        self._schedule_resync(link, pause_s=self._settings.hosts.resync_s)

    # --- signals ---
    def _signalled(self, link: HostLink, signal: HostSignal) -> None:
        """Called on the driver's event thread: only notes what to do, and returns."""
        host_id = link.host_id
        if signal.kind == "closed":
            if link.state is HostState.UP:
                self._scheduler.after(
                    0,
                    partial(self._away, link, signal.detail or "the connection was closed"),
                    key=f"closed:{host_id}",
                )
        elif signal.kind in ("vm", "vm-gone", "agent"):
            link.mark_dirty(signal.uuid)
            if signal.kind == "agent":
                self._hunt.agent_came(link, signal.uuid)
            self._scheduler.after(_COALESCE_S, partial(self._flush, link), key=f"flush:{host_id}")
        elif signal.kind == "network":
            self._scheduler.after(
                0.5, partial(self._quietly, self._read_networks, link), key=f"networks:{host_id}"
            )
        elif signal.kind == "pool":
            self._scheduler.after(
                0.5, partial(self._quietly, self._read_storage, link), key=f"storage:{host_id}"
            )

    def _quietly(self, read: Callable[[HostLink], None], link: HostLink) -> None:
        try:
            read(link)
        except CastaliaError as error:
            _log.info("reading a host failed", host=link.name, error=error.message)

    def _flush(self, link: HostLink) -> None:
        dirty = link.take_dirty()
        if dirty and link.state is not HostState.UNREACHABLE:
            self._quietly(lambda link: self._read_vms(link, dirty), link)

    # --- reading ---
    def _read_all(self, link: HostLink) -> None:
        taken_at = now()
        facts = link.drivers.hypervisor.snapshot().vms
        with self._database.write() as connection:
            changes = vm_sync.sync(connection, link.host_id, facts, taken_at=taken_at)
        self._changed(link, facts, changes)

    def _read_vms(self, link: HostLink, uuids: set[str]) -> None:
        taken_at = now()
        present: list[VmFacts] = []
        gone: list[str] = []
        for uuid in uuids:
            try:
                present.append(link.drivers.hypervisor.vm(uuid))
            except NotFound:
                gone.append(uuid)
        with self._database.write() as connection:
            changes = vm_sync.sync(
                connection, link.host_id, present, taken_at=taken_at, complete=False
            )
            changes += _forgotten(connection, link.host_id, gone)
        self._changed(link, present, changes)

    def _changed(self, link: HostLink, facts: Iterable[VmFacts], changes: Iterable[Change]) -> None:
        self._hunt.look(link, facts)
        self._publish(changes)

    def _read_storage(self, link: HostLink, *, refresh: bool = False) -> None:
        taken_at = now()
        try:
            facts = link.drivers.storage.repositories(refresh=refresh)
        except Unsupported as error:
            _log.info("no storage on this host", host=link.name, reason=error.message)
            return
        with self._database.write() as connection:
            changes = storage_store.sync(connection, link.host_id, facts, taken_at=taken_at)
        self._publish(changes)

    def _read_networks(self, link: HostLink) -> None:
        try:
            facts = link.drivers.hypervisor.networks()
        except Unsupported as error:
            _log.info("no networks on this host", host=link.name, reason=error.message)
            return
        with self._database.write() as connection:
            changes = network_store.sync(connection, link.host_id, facts)
        self._publish(changes)

    # --- records ---
    def _store_state(self, link: HostLink) -> None:
        with self._database.write() as connection:
            host_store.set_state(
                connection, link.host_id, link.state, reason=link.reason, seen_at=now()
            )
        self._tell_host(link)

    def _mark_unknown(self, link: HostLink) -> None:
        with self._database.write() as connection:
            changes = vm_store.mark_unknown(
                connection, link.host_id, reason="its host is not reachable"
            )
        self._publish(changes)

    def _tell_host(self, link: HostLink) -> None:
        data = {"name": link.name, "state": link.state.value, "reason": link.reason}
        self._publish([Change(noun="host", id=link.host_id, verb="updated", data=data)])

    def _event(
        self, link: HostLink, kind: str, text: str, *, severity: Severity = Severity.INFO
    ) -> None:
        self._record(
            kind,
            text,
            subject=f"host:{link.host_id}",
            subject_name=link.name,
            severity=severity,
            host_id=link.host_id,
        )


def _forgotten(connection: Connection, host_id: str, uuids: Iterable[str]) -> list[Change]:
    """VMs that a host has no more; one that is being created is its job's business."""
    changes = []
    for uuid in uuids:
        vm = vm_store.by_uuid(connection, host_id, uuid)
        if vm is not None and vm.state is not VmState.CREATING:
            changes.append(vm_store.delete(connection, vm.id))
    return [change for change in changes if change is not None]
