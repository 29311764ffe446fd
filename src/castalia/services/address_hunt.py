"""Finds out the addresses of VMs that have just started.

DHCP leases come from one call per network, not per VM. An agent is asked once when it has
connected, and again
now and then while the VM has no address from it.
"""

from collections.abc import Callable, Iterable
from functools import partial

import structlog

from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import CastaliaError
from castalia.model.event import Change
from castalia.model.vm import Address, AddressSource, VmFacts, VmState
from castalia.services.host_link import HostLink
from castalia.services.scheduler import Scheduler

_log = structlog.get_logger()
_PAUSE_S = 2.0


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
        for vm in facts:
            if vm.state is VmState.RUNNING:
                if vm.definition.nics:
                    link.hunt(vm.definition.uuid)
            else:
                link.found(vm.definition.uuid)
        if link.hunted():
            self._schedule(link)

    def _schedule(self, link: HostLink) -> None:
        key = f"addresses:{link.host_id}"
        self._scheduler.after(_PAUSE_S, partial(self._round, link), key=key)

    def _round(self, link: HostLink) -> None:
        hunted = link.hunted()
        if not hunted:
            return
        try:
            self._ask(link, hunted)
        except CastaliaError as error:
            _log.info("no addresses", host=link.name, error=error.message)
        if link.hunted():
            self._schedule(link)

    def _ask(self, link: HostLink, hunted: set[str]) -> None:
        with self._database.read() as connection:
            vms = vm_store.many(connection, sorted(hunted))
        found: dict[str, tuple[Address, ...]] = {}
        for vm in vms:
            addresses = tuple(link.drivers.hypervisor.addresses(vm.uuid))
            if addresses and addresses != vm.addresses:
                found[vm.id] = addresses
            if any(address.source is AddressSource.AGENT for address in addresses) or (
                addresses and not vm.definition.agent_channel
            ):
                link.found(vm.uuid)
        if found:
            with self._database.write() as connection:
                changes = vm_store.set_addresses(connection, found)
            self._publish(changes)
