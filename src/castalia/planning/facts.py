"""What planning is told: VMs' needs, hosts, and which VM is where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from castalia.model.capabilities import Mode


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a VM needs of its host. What is empty is not asked for.

    `together` and `apart` name affinity groups that are never broken: VMs of one group share a
    host, or never do. `prefer_together` and `prefer_apart` are wishes. `tags_required` and
    `tags_forbidden` are about the host's tags. `repositories` are those that the VM's disks are on.
    `host` (id or name) allows only this one; `not_hosts` (ids) are out of the question, such as the
    host that is being emptied. `cpu_demand` is what the VM uses, in CPUs, if it was measured.
    """

    name: str = ""
    memory_mib: int
    vcpus: int
    cpu_demand: float = 0.0
    arch: str = ""
    cpu_features: frozenset[str] = frozenset()
    mode: Mode | None = None
    networks: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    together: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    prefer_together: frozenset[str] = frozenset()
    prefer_apart: frozenset[str] = frozenset()
    tags_required: frozenset[str] = frozenset()
    tags_forbidden: frozenset[str] = frozenset()
    host: str = ""
    not_hosts: frozenset[str] = frozenset()

    @property
    def groups(self) -> frozenset[str]:
        """Every affinity group that the VM is in."""
        return self.together | self.apart | self.prefer_together | self.prefer_apart


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host that may be chosen, as it is now.

    `memory_free_mib` is what VMs could still take, the reserve included; it is negative on a host
    that promised more than it has. `vcpus_used` are the vCPUs of its running VMs, `cpu_used` what
    is in use, in CPUs. `groups` counts the VMs of each affinity group that run on it.
    """

    host_id: str
    name: str
    up: bool = True
    maintenance: bool = False
    arch: str = ""
    cpus: int
    cpu_features: frozenset[str] = frozenset()
    modes: frozenset[Mode] = frozenset()
    memory_mib: int
    memory_free_mib: int
    vcpus_used: int = 0
    cpu_used: float = 0.0
    networks: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    groups: Mapping[str, int] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether it may take VMs at all."""
        return self.up and not self.maintenance

    def with_vm(self, demand: Demand) -> "Candidate":
        """The host once the VM runs on it."""
        return self._changed(demand, sign=1)

    def without_vm(self, demand: Demand) -> "Candidate":
        """The host once the VM has left it."""
        return self._changed(demand, sign=-1)

    def _changed(self, demand: Demand, *, sign: int) -> "Candidate":
        groups = dict(self.groups)
        for group in demand.groups:
            groups[group] = groups.get(group, 0) + sign
        return replace(
            self,
            memory_free_mib=self.memory_free_mib - sign * demand.memory_mib,
            vcpus_used=self.vcpus_used + sign * demand.vcpus,
            cpu_used=self.cpu_used + sign * demand.cpu_demand,
            groups=groups,
        )


@dataclass(frozen=True, kw_only=True)
class Resident:
    """A VM that runs on a host.

    `dirty_mib_s` estimates how much memory the guest writes, in MiB/s. `moved_s_ago` is how long
    ago it was moved, None if never. A `pinned` VM is never moved; `restarts` says that it must run
    elsewhere when its host fails.
    """

    vm_id: str
    host_id: str
    demand: Demand
    dirty_mib_s: float = 0.0
    moved_s_ago: float | None = None
    pinned: bool = False
    restarts: bool = True


def grouped(hosts: Iterable[Candidate], residents: Iterable[Resident]) -> list[Candidate]:
    """The hosts with the affinity groups of the residents counted, and of nobody else."""
    counts: dict[str, dict[str, int]] = {}
    for resident in residents:
        on_host = counts.setdefault(resident.host_id, {})
        for group in resident.demand.groups:
            on_host[group] = on_host.get(group, 0) + 1
    return [replace(host, groups=counts.get(host.host_id, {})) for host in hosts]
