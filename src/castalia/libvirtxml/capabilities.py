"""What a host says that it is (`virsh capabilities`) and what its guests can have
(`virsh domcapabilities`).

Sources: https://libvirt.org/formatcaps.html and https://libvirt.org/formatdomaincaps.html.
"""

from dataclasses import dataclass

from castalia.libvirtxml import document, scaled
from castalia.libvirtxml.document import Element


@dataclass(frozen=True, kw_only=True)
class GuestSupport:
    """Guests of one architecture. `domain_types` are libvirt's words: qemu, kvm, xen."""

    os_type: str
    arch: str
    emulator: str
    machines: tuple[str, ...]
    domain_types: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostCapabilities:
    """A host. `cores` are per socket and `threads` per core; all counts are at least 1."""

    uuid: str
    arch: str
    cpu_model: str
    cpu_vendor: str
    cpus: int
    sockets: int
    cores: int
    threads: int
    numa_nodes: int
    memory_mib: int
    guests: tuple[GuestSupport, ...]

    def guest(self, arch: str = "") -> GuestSupport | None:
        """What the host can run of an architecture, by default of its own; None for nothing."""
        wanted = arch or self.arch
        return next((guest for guest in self.guests if guest.arch == wanted), None)


@dataclass(frozen=True, kw_only=True)
class DomainCapabilities:
    """What guests of one type and machine can have. `features` holds the names of those that are
    supported: vmcoreinfo, genid, backup and others."""

    emulator: str
    domain_type: str
    machine: str
    arch: str
    max_vcpus: int
    firmwares: tuple[str, ...]
    loaders: tuple[str, ...]
    cpu_modes: tuple[str, ...]
    host_model: str
    cpu_models: tuple[str, ...]
    disk_buses: tuple[str, ...]
    graphics: tuple[str, ...]
    video_models: tuple[str, ...]
    tpm_models: tuple[str, ...]
    features: tuple[str, ...]


def parse_capabilities(text: str) -> HostCapabilities:
    """A host from its capabilities' XML. Raises InvalidRequest for text that is no XML."""
    root = document.parse(text, field="capabilities")
    cells = root.findall("host/topology/cells/cell")
    cpus = root.findall("host/topology/cells/cell/cpus/cpu")
    sockets, cores, threads = _topology(root, cpus)
    memory = [found for cell in cells if (found := cell.find("memory")) is not None]
    return HostCapabilities(
        uuid=_text(root, "host/uuid"),
        arch=_text(root, "host/cpu/arch"),
        cpu_model=_text(root, "host/cpu/model"),
        cpu_vendor=_text(root, "host/cpu/vendor"),
        cpus=len(cpus) or sockets * cores * threads,
        sockets=sockets,
        cores=cores,
        threads=threads,
        numa_nodes=max(len(cells), 1),
        memory_mib=sum(scaled.to_mib(m.text or "0", m.get("unit", "")) for m in memory),
        guests=tuple(_guest(guest) for guest in root.findall("guest")),
    )


def parse_domain_capabilities(text: str) -> DomainCapabilities:
    """What guests can have, from the XML. Raises InvalidRequest for text that is no XML."""
    root = document.parse(text, field="capabilities")
    vcpu = root.find("vcpu")
    features = root.findall("features/*[@supported='yes']")
    return DomainCapabilities(
        emulator=_text(root, "path"),
        domain_type=_text(root, "domain"),
        machine=_text(root, "machine"),
        arch=_text(root, "arch"),
        max_vcpus=int(vcpu.get("max", "0")) if vcpu is not None else 0,
        firmwares=_texts(root, "os/enum[@name='firmware']/value"),
        loaders=_texts(root, "os/loader/value"),
        cpu_modes=_names(root, "cpu/mode[@supported='yes']"),
        host_model=_text(root, "cpu/mode[@name='host-model']/model"),
        cpu_models=_texts(root, "cpu/mode[@name='custom']/model[@usable='yes']"),
        disk_buses=_texts(root, "devices/disk/enum[@name='bus']/value"),
        graphics=_texts(root, "devices/graphics/enum[@name='type']/value"),
        video_models=_texts(root, "devices/video/enum[@name='modelType']/value"),
        tpm_models=_texts(root, "devices/tpm/enum[@name='model']/value"),
        features=tuple(str(feature.tag) for feature in features),
    )


def _topology(root: Element, cpus: list[Element]) -> tuple[int, int, int]:
    """Sockets, cores per socket, threads per core, counted: the numbers beside the CPU's model are
    per NUMA node."""
    sockets = {cpu.get("socket_id") for cpu in cpus}
    cores = {(cpu.get("socket_id"), cpu.get("die_id"), cpu.get("core_id")) for cpu in cpus}
    if cpus and None not in sockets:
        return len(sockets), len(cores) // len(sockets), len(cpus) // len(cores)
    written = root.find("host/cpu/topology")
    if written is None:
        return 1, max(len(cpus), 1), 1
    return (
        int(written.get("sockets", "1")),
        int(written.get("cores", "1")) * int(written.get("dies", "1")),
        int(written.get("threads", "1")),
    )


def _guest(guest: Element) -> GuestSupport:
    arch = guest.find("arch")
    return GuestSupport(
        os_type=_text(guest, "os_type"),
        arch=arch.get("name", "") if arch is not None else "",
        emulator=_text(guest, "arch/emulator") or _text(guest, "arch/domain/emulator"),
        machines=tuple(dict.fromkeys(_texts(guest, "arch//machine"))),
        domain_types=tuple(domain.get("type", "") for domain in guest.findall("arch/domain")),
    )


def _text(parent: Element, path: str) -> str:
    return (parent.findtext(path) or "").strip()


def _texts(parent: Element, path: str) -> tuple[str, ...]:
    return tuple((found.text or "").strip() for found in parent.findall(path))


def _names(parent: Element, path: str) -> tuple[str, ...]:
    return tuple(found.get("name", "") for found in parent.findall(path))
