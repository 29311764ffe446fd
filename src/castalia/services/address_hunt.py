"""Finds out the addresses of VMs that have just started.

A start is followed up for a few minutes, with pauses that double; then the VM is left alone until
its agent comes or it is started again.
"""

from collections.abc import Callable, Iterable
from functools import partial

import structlog

from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import CastaliaError
from castalia.model.event import Change
from castalia.model.host import HostState
from castalia.model.vm import Address, AddressSource, Vm, VmFacts, VmState
from castalia.services.host_link import HostLink
from castalia.services.scheduler import Scheduler

_log = structlog.get_logger()
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 30.0


class AddressHunt:
    """One per manager; the links say which VMs are hunted."""

    def __init__(
        self,
        *,
        database: Database,
        scheduler: Scheduler,
        publish: Callable[[Iterable[Change]], None],
    ) -> None:
        self._database = database
        self._scheduler = scheduler
        self._publish = publish

    def look(self, link: HostLink, facts: Iterable[VmFacts]) -> None:
        """Begins or ends the hunt for each of these VMs."""
        news = set()
        for vm in facts:
            uuid = vm.definition.uuid
            if vm.state is not VmState.RUNNING:
                link.off(uuid)
            elif vm.definition.nics and link.hunt(uuid):
                news.add(uuid)
        if news and not self._known(link, news):
            self._schedule(link, _FIRST_PAUSE_S)

    def _known(self, link: HostLink, uuids: set[str]) -> bool:
        """Whether all of them have addresses already, as after a restart of the manager; those that
        have are not hunted."""
        with self._database.read() as connection:
            addressed = vm_store.addressed(connection, link.host_id, uuids)
        for uuid in addressed:
            link.found(uuid)
        return uuids <= addressed

    def agent_came(self, link: HostLink, uuid: str) -> None:
        """A VM's agent can be asked now, and knows best."""
        link.hunt(uuid, again=True)
        self._schedule(link, 0.0)

    def _schedule(self, link: HostLink, pause_s: float) -> None:
        key = f"addresses:{link.host_id}"
        self._scheduler.after(pause_s, partial(self._round, link, pause_s), key=key)

    def _round(self, link: HostLink, pause_s: float) -> None:
        hunted = link.hunted()
        if not hunted or link.state is not HostState.UP:
            return
        try:
            self._ask(link, hunted)
        except CastaliaError as error:
            _log.info("no addresses", host=link.name, error=error.message)
        if link.hunted():
            self._schedule(link, min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S))

    def _ask(self, link: HostLink, hunted: set[str]) -> None:
        with self._database.read() as connection:
            vms = vm_store.by_uuids(connection, link.host_id, hunted)
        found: dict[str, tuple[Address, ...]] = {}
        for vm in vms:
            addresses = tuple(link.drivers.hypervisor.addresses(vm.uuid))
            if addresses and addresses != vm.addresses:
                found[vm.id] = addresses
            if _settled(vm, addresses):
                link.found(vm.uuid)
        if found:
            with self._database.write() as connection:
                changes = vm_store.set_addresses(connection, found)
            self._publish(changes)


def _settled(vm: Vm, addresses: tuple[Address, ...]) -> bool:
    """Whether nobody knows better: an agent that is there has answered; one that comes is told."""
    if not vm.agent_connected:
        return bool(addresses)
    return any(address.source is AddressSource.AGENT for address in addresses)
