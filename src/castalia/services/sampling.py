"""Measures all hosts and their VMs, one bulk call per host and interval."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import structlog

from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import CastaliaError
from castalia.model.clock import now
from castalia.model.event import Change
from castalia.services.host_link import HostLink
from castalia.services.inventory import Inventory
from castalia.services.metrics import MetricService
from castalia.services.scheduler import Scheduler

_log = structlog.get_logger()
_FIRST_S = 2.0
_IDS_LAST_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Hands counters to the metrics and puts what they mean into the lists."""

    inventory: Inventory
    metrics: MetricService
    database: Database
    scheduler: Scheduler
    publish: Callable[[Iterable[Change]], None]
    interval_s: float
    _known: dict[str, tuple[float, dict[str, str]]] = field(default_factory=dict)

    def start(self) -> None:
        """Begins to measure."""
        self.scheduler.after(_FIRST_S, self._round, key="sampling-first")
        self.scheduler.every(self.interval_s, self._round, key="sampling")

    def _round(self) -> None:
        """Spreads the hosts over the interval: 500 at once would hold up everybody's requests."""
        links = sorted(self.inventory.up(), key=lambda link: link.host_id)
        for gone in set(tuple(self._known)) - {link.host_id for link in links}:
            self._known.pop(gone, None)
        for number, link in enumerate(links):
            self.scheduler.after(
                self.interval_s * number / len(links),
                partial(self._measure, link),
                key=f"sampling:{link.host_id}",
            )

    def _measure(self, link: HostLink) -> None:
        driver = link.drivers.hypervisor
        try:
            at, host, vms = now(), driver.counters(), driver.vm_counters()
        except CastaliaError as error:
            _log.info("not measured", host=link.name, reason=error.message)
            return
        ids = self._ids(link.host_id, {vm.uuid for vm in vms})
        self.metrics.take(link.host_id, at=at, host=host, vms=vms, vm_ids=ids)
        self.publish([Change(noun="metrics", id=link.host_id, verb="updated")])

    def _ids(self, host_id: str, uuids: set[str]) -> dict[str, str]:
        """The ids of these VMs, read again when one is new, and now and then."""
        read_at, known = self._known.get(host_id, (0.0, {}))
        if time.monotonic() - read_at > _IDS_LAST_S or not uuids <= known.keys():
            with self.database.read() as connection:
                known = vm_store.ids_by_uuid(connection, host_id)
            self._known[host_id] = (time.monotonic(), known)
        return known
