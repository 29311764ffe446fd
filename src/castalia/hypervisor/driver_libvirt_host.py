"""What a host is and can do."""

from pathlib import Path
from typing import Any

import libvirt

from castalia.hypervisor.accelerator import find_accelerator, overridden
from castalia.hypervisor.accelerator_remote import RemoteProbe
from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver_libvirt_base import LibvirtPart
from castalia.hypervisor.driver_libvirt_networks import NO_NETWORKS
from castalia.libvirtxml.architectures import architecture
from castalia.libvirtxml.capabilities import GuestSupport, HostCapabilities, parse_capabilities
from castalia.model.capabilities import Accelerator, AcceleratorFinding, Capabilities, Mode
from castalia.model.host import HostFacts
from castalia.settings import AcceleratorSettings

_QEMU, _XEN, _TEST = "QEMU", "Xen", "TEST"
_XEN_MODES = {
    "hvm": (Mode.HVM, Mode.PVHVM),
    "xen": (Mode.PV,),
    "linux": (Mode.PV,),
    "xenpvh": (Mode.PVH,),
}
_LACKING = {
    _QEMU: {},
    _XEN: dict.fromkeys(
        ("bulk_stats", "guest_agent", "local_console", "screenshot"),
        "libvirt's driver for Xen does not offer it",
    ),
    _TEST: dict.fromkeys(
        ("bulk_stats", "guest_agent", "local_console", "screenshot", "hotplug"),
        "libvirt's test driver only pretends to run VMs",
    ),
}


class Host(LibvirtPart):
    """The host itself."""

    def __init__(
        self,
        connection: LibvirtConnection,
        *,
        accelerator: AcceleratorSettings | None = None,
        accelerator_file: Path | None = None,
    ) -> None:
        super().__init__(connection)
        self._accelerator_settings = accelerator or AcceleratorSettings()
        self._accelerator_file = accelerator_file

    def facts(self) -> HostFacts:
        """What the host is and can do. The accelerator was measured, or the finding says that it
        was not; measuring takes a few seconds once."""
        with self.connection.calling("reading what the host can do") as handle:
            known = parse_capabilities(handle.getCapabilities())
            info = handle.getInfo()
            total_mib = _total_memory_mib(handle, info)
            hypervisor = str(handle.getType())
            hostname = str(handle.getHostname())
            versions = _version(handle.getVersion()), _version(handle.getLibVersion())
        _arch, _memory, cpus, *_rest = info
        sockets, cores, threads = _topology(known, info)
        return HostFacts(
            hostname=hostname,
            arch=known.arch,
            cpus=cpus,
            cpu_model=f"{known.cpu_vendor} {known.cpu_model}".strip(),
            sockets=sockets,
            cores=cores,
            threads=threads,
            numa_nodes=known.numa_nodes,
            memory_mib=total_mib,
            hypervisor_version=versions[0],
            libvirt_version=versions[1],
            capabilities=self._capabilities(hypervisor, known),
        )

    def _capabilities(self, hypervisor: str, known: HostCapabilities) -> Capabilities:
        guest = known.guest()
        accelerator = self._accelerator(hypervisor, known)
        missing = self._missing(hypervisor)
        return Capabilities(
            hypervisor=hypervisor,
            arch=known.arch,
            machine=architecture(known.arch).machine if hypervisor == _QEMU else "",
            emulator=guest.emulator if guest else "",
            accelerator=accelerator,
            modes=_modes(accelerator.accelerator, known),
            missing=missing,
            **{"local_console": True, **dict.fromkeys(missing, False)},
        )

    def _missing(self, hypervisor: str) -> dict[str, str]:
        """What cannot be done here, by the name of the capability, with the reason."""
        missing = dict(_LACKING.get(hypervisor, {}))
        if not self.connection.local:
            missing["local_console"] = "libvirt hands a screen over on its own machine only"
        if self.connection.endpoint.session:
            missing["system_networks"] = NO_NETWORKS
        return missing

    def _accelerator(self, hypervisor: str, known: HostCapabilities) -> AcceleratorFinding:
        if hypervisor == _XEN:
            return _given(Accelerator.XEN, "Xen runs the guests")
        if hypervisor == _TEST:
            return _given(Accelerator.TEST, "libvirt's test driver runs nothing")
        guest = known.guest()
        if self._accelerator_settings.override:
            return overridden(self._accelerator_settings.override)
        if guest is None or "kvm" not in guest.domain_types:
            return _given(Accelerator.EMULATED, "libvirt finds no usable /dev/kvm on this host")
        if self.connection.local:
            return find_accelerator(
                guest.emulator,
                settings=self._accelerator_settings,
                state_file=self._accelerator_file,
            )
        return self._measured_remotely(guest)

    def _measured_remotely(self, guest: GuestSupport) -> AcceleratorFinding:
        if guest.arch != "x86_64":
            return _given(Accelerator.EMULATED, f"not measured: there is no probe for {guest.arch}")
        probe = RemoteProbe(
            relay=self._relay, emulator=guest.emulator, settings=self._accelerator_settings
        )
        with self.connection.calling("measuring the accelerator") as handle:
            return probe.find(handle)


def _given(accelerator: Accelerator, reason: str) -> AcceleratorFinding:
    return AcceleratorFinding(accelerator=accelerator, reason=reason)


def _modes(accelerator: Accelerator, known: HostCapabilities) -> tuple[Mode, ...]:
    """How VMs can be virtualized here."""
    if accelerator is Accelerator.XEN:
        offered = {mode for guest in known.guests for mode in _XEN_MODES.get(guest.os_type, ())}
        return tuple(mode for mode in Mode if mode in offered)
    if accelerator is Accelerator.KVM:
        return (Mode.EMULATED, Mode.HVM, Mode.PVHVM)
    return (accelerator.default_mode,)


def _topology(known: HostCapabilities, info: list[int]) -> tuple[int, int, int]:
    """Sockets, cores per socket, threads per core: from the map of the CPUs, unless it contradicts
    their number; libvirt's own figures, which count sockets per NUMA node, are the second best."""
    _arch, _memory, cpus, _mhz, nodes, sockets, cores, threads = info
    if known.sockets * known.cores * known.threads == cpus:
        return known.sockets, known.cores, known.threads
    return sockets * nodes, cores, threads


def _version(number: int) -> str:
    """libvirt's 9000000 as 9.0.0."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _total_memory_mib(handle: libvirt.virConnect, info: list[Any]) -> int:
    """getInfo counts NUMA nodes as they were at boot: memory that was plugged in later is missing
    there, but not in the memory statistics, which some drivers lack."""
    try:
        stats = handle.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
    except libvirt.libvirtError:
        return int(info[1])
    return max(int(info[1]), int(stats.get("total", 0)) // 1024)
