"""Running totals of a host and its VMs: one bulk call per host."""

from typing import Any

import libvirt

from castalia.hypervisor.driver_libvirt_base import LibvirtPart
from castalia.model.metric import HostCounters, VmCounters

_WANTED = (
    libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
_RUNNING = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
# A VM in the middle of a long operation must not hold up the figures of all others.
_NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
_NO_BULK = frozenset({libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG})
_KIB_PER_MIB = 1024


class Statistics(LibvirtPart):
    """Counters."""

    def counters(self) -> HostCounters:
        """Running totals of CPU time and the memory in use."""
        with self.connection.calling("reading the host's load") as handle:
            cpu = _optional(lambda: handle.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS, 0))
            memory = _optional(
                lambda: handle.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
            )
            total_kib = memory.get("total") or handle.getInfo()[1] * _KIB_PER_MIB
        busy = cpu.get("kernel", 0) + cpu.get("user", 0)
        free = sum(memory.get(name, 0) for name in ("free", "buffers", "cached"))
        return HostCounters(
            cpu_busy_ns=busy,
            cpu_total_ns=busy + cpu.get("idle", 0) + cpu.get("iowait", 0),
            memory_used_mib=(total_kib - free) // _KIB_PER_MIB if memory else 0,
            memory_free_mib=free // _KIB_PER_MIB if memory else total_kib // _KIB_PER_MIB,
        )

    def vm_counters(self) -> list[VmCounters]:
        """Running totals of all running VMs. A VM whose figures are not to be had now is left
        out."""
        with self.connection.calling("reading the VMs' load") as handle:
            rows = _bulk(handle)
            if rows and not any("cpu.time" in row for _, row in rows):
                rows = [(domain, _single(domain)) for domain, _ in rows]
        return [_counters(domain.UUIDString(), row) for domain, row in rows if "cpu.time" in row]


def _bulk(handle: libvirt.virConnect) -> list[tuple[libvirt.virDomain, dict[str, Any]]]:
    try:
        return list(handle.getAllDomainStats(_WANTED, _RUNNING | _NOWAIT))
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _NO_BULK:
            raise
        active = handle.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        return [(domain, {}) for domain in active]


def _single(domain: libvirt.virDomain) -> dict[str, Any]:
    """The little that drivers without bulk statistics tell."""
    try:
        _state, _max_kib, memory_kib, vcpus, cpu_ns = domain.info()
    except libvirt.libvirtError:
        return {}  # stopped meanwhile
    return {"cpu.time": cpu_ns, "vcpu.current": vcpus, "balloon.current": memory_kib}


def _counters(uuid: str, row: dict[str, Any]) -> VmCounters:
    return VmCounters(
        uuid=uuid,
        cpu_ns=row["cpu.time"],
        vcpus=row.get("vcpu.current", 1),
        memory_mib=row.get("balloon.current", 0) // _KIB_PER_MIB,
        memory_used_mib=_memory_used_mib(row),
        disk_read_bytes=_total(row, "block", "rd.bytes"),
        disk_write_bytes=_total(row, "block", "wr.bytes"),
        disk_read_ops=_total(row, "block", "rd.reqs"),
        disk_write_ops=_total(row, "block", "wr.reqs"),
        net_rx_bytes=_total(row, "net", "rx.bytes"),
        net_tx_bytes=_total(row, "net", "tx.bytes"),
    )


def _memory_used_mib(row: dict[str, Any]) -> int | None:
    """What the guest says it uses; None without a balloon driver that reports."""
    available = row.get("balloon.available")
    unused = row.get("balloon.usable", row.get("balloon.unused"))
    if available is None or unused is None:
        return None
    return int(available - unused) // _KIB_PER_MIB


def _total(row: dict[str, Any], group: str, name: str) -> int:
    count = row.get(f"{group}.count", 0)
    return sum(row.get(f"{group}.{index}.{name}", 0) for index in range(count))


def _optional(read: Any) -> dict[str, int]:
    try:
        return dict(read())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return {}
