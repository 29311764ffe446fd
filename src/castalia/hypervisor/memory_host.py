"""The in-memory driver's host: what it says of itself, and its figures, which grow by the same
amount with every reading."""

from collections.abc import Mapping

from castalia.hypervisor.memory_vm import MemoryVm
from castalia.model.capabilities import Accelerator, AcceleratorFinding, Capabilities, Mode
from castalia.model.host import HostFacts
from castalia.model.metric import HostCounters, VmCounters

_SECOND_NS = 1_000_000_000
_GUEST_SHARE = 10
_DISK_BYTES, _NET_BYTES, _OPERATIONS = 1_000_000, 100_000, 100

MEMORY_FACTS = HostFacts(
    hostname="memory",
    arch="x86_64",
    cpus=4,
    cpu_model="memory",
    sockets=1,
    cores=4,
    threads=1,
    numa_nodes=1,
    memory_mib=16384,
    hypervisor_version="1.0.0",
    libvirt_version="9.0.0",
    capabilities=Capabilities(
        hypervisor="QEMU",
        arch="x86_64",
        emulator="/usr/bin/qemu-system-x86_64",
        accelerator=AcceleratorFinding(accelerator=Accelerator.EMULATED, reason="in memory"),
        modes=(Mode.EMULATED,),
        local_console=True,
    ),
)


def host_counters(facts: HostFacts, vms: Mapping[str, MemoryVm], *, sample: int) -> HostCounters:
    """The host's figures at the `sample`-th reading: each running VM takes a tenth of a CPU."""
    running = [vm for vm in vms.values() if vm.active]
    used = sum(vm.definition.memory_mib for vm in running)
    return HostCounters(
        cpu_busy_ns=sample * len(running) * _SECOND_NS // _GUEST_SHARE,
        cpu_total_ns=sample * facts.cpus * _SECOND_NS,
        memory_used_mib=used,
        memory_free_mib=facts.memory_mib - used,
    )


def vm_counters(vms: Mapping[str, MemoryVm], *, sample: int) -> list[VmCounters]:
    """The figures of the running VMs at the `sample`-th reading."""
    return [_counters(uuid, vm, sample=sample) for uuid, vm in vms.items() if vm.active]


def _counters(uuid: str, vm: MemoryVm, *, sample: int) -> VmCounters:
    definition = vm.definition
    return VmCounters(
        uuid=uuid,
        cpu_ns=sample * _SECOND_NS // _GUEST_SHARE,
        vcpus=definition.vcpus,
        memory_mib=definition.memory_mib,
        memory_used_mib=definition.memory_mib // 2,
        disk_read_bytes=sample * _DISK_BYTES,
        disk_write_bytes=sample * _DISK_BYTES,
        disk_read_ops=sample * _OPERATIONS,
        disk_write_ops=sample * _OPERATIONS,
        net_rx_bytes=sample * _NET_BYTES,
        net_tx_bytes=sample * _NET_BYTES,
    )
