"""Measurements."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class VmCounters:
    """Running totals of a VM, as libvirt counts them since the VM's start."""

    uuid: str
    cpu_ns: int
    vcpus: int
    memory_mib: int
    memory_used_mib: int | None
    disk_read_bytes: int
    disk_write_bytes: int
    disk_read_ops: int
    disk_write_ops: int
    net_rx_bytes: int
    net_tx_bytes: int


@dataclass(frozen=True, kw_only=True)
class HostCounters:
    """Running totals of a host. CPU times in nanoseconds over all CPUs."""

    cpu_busy_ns: int
    cpu_total_ns: int
    memory_used_mib: int
    memory_free_mib: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rates over one interval. `subject` is `vm:ID` or `host:ID`; `cpu_fraction` is 0..1 of all its
    CPUs."""

    subject: str
    at: datetime
    cpu_fraction: float
    memory_used_mib: int
    memory_mib: int
    disk_read_bps: float
    disk_write_bps: float
    disk_iops: float
    net_rx_bps: float
    net_tx_bps: float
