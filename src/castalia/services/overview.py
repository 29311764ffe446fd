"""What stands on the first page, and what needs somebody's attention."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from castalia.db import events as event_store
from castalia.db import hosts as host_store
from castalia.db import networks as network_store
from castalia.db import storage as storage_store
from castalia.db import templates as template_store
from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.jobs.engine import JobEngine
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.capabilities import Accelerator
from castalia.model.event import Severity
from castalia.model.host import Host, HostState
from castalia.model.job import JobState
from castalia.model.overview import Attention, Capacity, Overview
from castalia.model.page import PageRequest
from castalia.model.storage import Repository

_NEARLY_FULL = 0.9
_MEMORY_TIGHT = 0.95
_RECENT = 8


@dataclass(frozen=True, kw_only=True)
class OverviewService:
    """Health, capacity, attention. From the database alone."""

    database: Database
    engine: JobEngine

    def get(self, *, principal: Principal) -> Overview:
        """The whole first page."""
        principal.require(Role.VIEWER)
        jobs = self.engine.list(limit=_RECENT)
        with self.database.read() as connection:
            hosts = host_store.every(connection)
            repositories = storage_store.every(connection)
            recent = event_store.page(connection, PageRequest(limit=_RECENT, sort="-at"))
            return Overview(
                hosts={str(k): n for k, n in host_store.count_by_state(connection).items()},
                vms={str(k): n for k, n in vm_store.count_by_state(connection).items()},
                templates=template_store.count(connection),
                capacity=_capacity(hosts, repositories),
                attention=tuple(self._attention(connection, hosts, repositories)),
                jobs=tuple(jobs.items),
                events=tuple(recent.items),
            )

    def counts(self, *, principal: Principal) -> dict[str, int]:
        """How many of each noun there are; for the left bar."""
        principal.require(Role.VIEWER)
        active = sum(
            self.engine.list(state=state, limit=1).total
            for state in (JobState.RUNNING, JobState.QUEUED)
        )
        with self.database.read() as connection:
            return {
                "vms": sum(vm_store.count_by_state(connection).values()),
                "hosts": sum(host_store.count_by_state(connection).values()),
                "templates": template_store.count(connection),
                "repositories": storage_store.count(connection),
                "networks": network_store.count(connection),
                "active_jobs": active,
            }

    def attention(self, subject: str, *, principal: Principal) -> tuple[Attention, ...]:
        """What is wrong with one object (`vm:ID`, `host:ID`)."""
        principal.require(Role.VIEWER)
        noun, _, object_id = subject.partition(":")
        with self.database.read() as connection:
            if noun == "host":
                return tuple(_host_attention(host_store.get(connection, object_id)))
            if noun == "vm":
                vm = vm_store.get(connection, object_id)
                return tuple(_host_attention(host_store.get(connection, vm.host_id)))
        return ()

    def _attention(
        self, connection: Connection, hosts: list[Host], repositories: list[Repository]
    ) -> Iterator[Attention]:
        if not hosts:
            yield Attention(
                severity=Severity.INFO,
                text="No host is managed yet.",
                remedy="Add this machine: castalia host add qemu:///system",
                link="/hosts",
            )
        for host in hosts:
            yield from _host_attention(host)
        for repository in repositories:
            yield from _storage_attention(repository)
        crashed = vm_store.count_by_state(connection)
        for state, count in crashed.items():
            if state.value == "crashed":
                yield Attention(
                    severity=Severity.ERROR,
                    text=f"{count} VMs have crashed.",
                    remedy="Look at their consoles, then start them again.",
                    link="/vms?filter=state:crashed",
                )


def _host_attention(host: Host) -> Iterator[Attention]:
    link = f"/hosts/{host.id}"
    if host.state is HostState.UNREACHABLE:
        yield Attention(
            severity=Severity.ERROR,
            text=f"Host {host.name} is not reachable: {host.state_reason}",
            remedy="It is tried again every few seconds. Its VMs may well be running.",
            link=link,
        )
    if _memory_is_tight(host):
        yield Attention(
            severity=Severity.WARNING,
            text=f"Host {host.name} is nearly out of memory.",
            remedy="Stop VMs that are not needed, or give them less memory.",
            link=link,
        )
    if host.facts:
        finding = host.facts.capabilities.accelerator
        if finding.accelerator is Accelerator.EMULATED and finding.measured:
            yield Attention(
                severity=Severity.INFO,
                text=f"Host {host.name} runs guests in emulation: {finding.reason}",
                remedy="Enable hardware virtualization in its firmware, then probe it again.",
                link=link,
            )


def _memory_is_tight(host: Host) -> bool:
    if host.load is None or host.facts is None:
        return False
    return host.load.memory_used_mib > _MEMORY_TIGHT * host.facts.memory_mib


def _storage_attention(repository: Repository) -> Iterator[Attention]:
    if not repository.capacity_bytes:
        return
    used = 1 - repository.available_bytes / repository.capacity_bytes
    if used >= _NEARLY_FULL:
        yield Attention(
            severity=Severity.WARNING,
            text=(
                f"Repository {repository.name} on {repository.host_name} is {used:.0%} full: "
                f"{format_bytes(repository.available_bytes)} are free."
            ),
            remedy="Delete volumes that nobody uses, or add a repository.",
            link=f"/storage/{repository.id}",
        )


def _capacity(hosts: list[Host], repositories: list[Repository]) -> Capacity:
    up = [host for host in hosts if host.state is HostState.UP and host.facts]
    cpus = sum(host.facts.cpus for host in up if host.facts)
    busy = sum(host.load.cpu_fraction * host.facts.cpus for host in up if host.load and host.facts)
    total = sum(repository.capacity_bytes for repository in repositories)
    free = sum(repository.available_bytes for repository in repositories)
    return Capacity(
        cpus=cpus,
        cpu_fraction=busy / cpus if cpus else 0.0,
        memory_mib=sum(host.facts.memory_mib for host in up if host.facts),
        memory_used_mib=sum(host.load.memory_used_mib for host in up if host.load),
        storage_bytes=total,
        storage_used_bytes=total - free,
    )
