"""From running totals to rates. A total that went backwards (the VM was started again) gives no
rate: a gap is honest, a spike is not."""

from collections.abc import Iterable
from dataclasses import dataclass

from castalia.model.metric import HostCounters, VmCounters

_TOTALS = (
    "cpu_ns",
    "disk_read_bytes",
    "disk_write_bytes",
    "disk_read_ops",
    "disk_write_ops",
    "net_rx_bytes",
    "net_tx_bytes",
)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a VM or host took over one interval."""

    cpu_fraction: float
    memory_used_mib: float
    memory_mib: float
    disk_read_bps: float = 0.0
    disk_write_bps: float = 0.0
    disk_iops: float = 0.0
    net_rx_bps: float = 0.0
    net_tx_bps: float = 0.0


def vm_rates(before: VmCounters, after: VmCounters, *, elapsed_s: float) -> Rates | None:
    """The rates between two readings; None if a total went backwards or no time passed."""
    grown = {name: getattr(after, name) - getattr(before, name) for name in _TOTALS}
    if elapsed_s <= 0 or min(grown.values()) < 0:
        return None
    used = after.memory_mib if after.memory_used_mib is None else after.memory_used_mib
    cpu = grown["cpu_ns"] / (elapsed_s * 1e9 * max(after.vcpus, 1))
    return Rates(
        cpu_fraction=min(cpu, 1.0),
        memory_used_mib=used,
        memory_mib=after.memory_mib,
        disk_read_bps=grown["disk_read_bytes"] / elapsed_s,
        disk_write_bps=grown["disk_write_bytes"] / elapsed_s,
        disk_iops=(grown["disk_read_ops"] + grown["disk_write_ops"]) / elapsed_s,
        net_rx_bps=grown["net_rx_bytes"] / elapsed_s,
        net_tx_bps=grown["net_tx_bytes"] / elapsed_s,
    )


def host_rates(before: HostCounters, after: HostCounters, *, vms: Iterable[Rates]) -> Rates | None:
    """The same for a host, whose disk and network rates are those of its `vms` together."""
    total_ns = after.cpu_total_ns - before.cpu_total_ns
    busy_ns = after.cpu_busy_ns - before.cpu_busy_ns
    if total_ns <= 0 or busy_ns < 0:
        return None
    guests = list(vms)
    return Rates(
        cpu_fraction=min(busy_ns / total_ns, 1.0),
        memory_used_mib=after.memory_used_mib,
        memory_mib=after.memory_used_mib + after.memory_free_mib,
        disk_read_bps=sum(one.disk_read_bps for one in guests),
        disk_write_bps=sum(one.disk_write_bps for one in guests),
        disk_iops=sum(one.disk_iops for one in guests),
        net_rx_bps=sum(one.net_rx_bps for one in guests),
        net_tx_bps=sum(one.net_tx_bps for one in guests),
    )
