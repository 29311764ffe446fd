"""What a host's VMs are made of, read once and kept until an event says that it changed.

Reading and parsing 20 definitions on each of 500 hosts every minute would be most of an inventory's
work; definitions hardly ever change.
"""

import itertools
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from castalia.hypervisor.driver import HostSignal
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_devices import AGENT_CHANNEL
from castalia.libvirtxml.domain_read import definition_of
from castalia.libvirtxml.ownership import ownership_of
from castalia.model.vm import Definition, Ownership

_STATE_ONLY = frozenset({"paused", "resumed", "guest-asleep", "rebooted", "shutting-down"})
"""Signals after which a VM's definition is the same as before."""


@dataclass(frozen=True, kw_only=True)
class KnownDefinition:
    """What was read of one VM. `next_definition` is what it boots with next, if that differs."""

    active: bool
    definition: Definition
    next_definition: Definition | None
    ownership: Ownership | None
    agent_connected: bool


def known_from(xml: str, *, active: bool, next_xml: str | None) -> KnownDefinition:
    """Parses a VM's XML; `next_xml` is the stored definition of a running persistent VM."""
    domain = Domain(xml)
    stored = Domain(next_xml) if next_xml else domain
    now = definition_of(domain)
    upcoming = definition_of(stored) if next_xml else now
    # words for people say nothing about what runs: the stored ones are the newest
    now = replace(now, title=upcoming.title, description=upcoming.description)
    return KnownDefinition(
        active=active,
        definition=now,
        next_definition=None if _bare(now) == _bare(upcoming) else upcoming,
        ownership=ownership_of(domain) or ownership_of(stored),
        agent_connected=active and _agent_connected(domain),
    )


def _agent_connected(domain: Domain) -> bool:
    return any(
        channel.target_name == AGENT_CHANNEL and channel.target_state == "connected"
        for channel in domain.channels
    )


def _bare(definition: Definition) -> Definition:
    """The definition without what a host adds when it starts the VM."""
    return replace(
        definition,
        nics=tuple(replace(nic, target="") for nic in definition.nics),
        graphics=tuple(replace(screen, port=-1, listen="") for screen in definition.graphics),
    )


class DefinitionCache:
    """Known definitions by UUID. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, KnownDefinition] = {}
        self._changed: dict[str, int] = {}
        self._ticks = itertools.count(1)
        self._cleared = 0

    def get(
        self, uuid: str, *, active: bool, read: Callable[[], KnownDefinition]
    ) -> KnownDefinition:
        """What is known of a VM that is `active` or not; calls `read` if that is nothing."""
        with self._lock:
            known = self._known.get(uuid)
            if known is not None and known.active == active:
                return known
            before = (self._changed.get(uuid, 0), self._cleared)
        fresh = read()
        with self._lock:
            # An event that came while reading means that what was read may be old already.
            if before == (self._changed.get(uuid, 0), self._cleared):
                self._known[uuid] = fresh
        return fresh

    def forget(self, uuid: str) -> None:
        """The VM's definition changed, or may have."""
        with self._lock:
            self._known.pop(uuid, None)
            self._changed[uuid] = next(self._ticks)

    def clear(self) -> None:
        """Nothing is known any more: events were missed."""
        with self._lock:
            self._known.clear()
            self._changed.clear()
            self._cleared = next(self._ticks)

    def keep_only(self, uuids: Collection[str]) -> None:
        """Drops what is kept of VMs that are gone."""
        with self._lock:
            for table in (self._known, self._changed):
                for uuid in [uuid for uuid in table if uuid not in uuids]:
                    del table[uuid]

    def on_signal(self, signal: HostSignal) -> None:
        """Forgets what a host's signal makes doubtful."""
        if signal.uuid and not (signal.kind == "vm" and signal.detail in _STATE_ONLY):
            self.forget(signal.uuid)
