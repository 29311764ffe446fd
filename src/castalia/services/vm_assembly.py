"""Puts one new VM together: every device, name and address chosen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from castalia.db import storage as storage_store
from castalia.errors import InvalidRequest, NotFound
from castalia.libvirtxml.targets import free_target
from castalia.model.capabilities import Capabilities, Mode
from castalia.model.host import Host
from castalia.model.ids import new_mac, new_uuid
from castalia.model.names import hostname_from
from castalia.model.network import Network, NetworkKind
from castalia.model.plan import Check
from castalia.model.storage import Repository, Volume, VolumeFormat
from castalia.model.template import Template
from castalia.model.vm import DeviceKind, DiskSpec, GuestSeed, NicSpec, VmSpec
from castalia.model.vm_plan import PlannedDisk, PlannedNic, PlannedVm
from castalia.services.checks import ok

_BUSES = ("virtio", "sata", "scsi", "usb", "ide")
_HOTPLUG_VCPUS = 8
SEED_SUFFIX = "-seed.iso"
"""How the names of seeds end; what stands before it names the VM."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a VM is put: host, repository, template, and the networks that exist."""

    host: Host
    repository: Repository
    template: Template | None
    networks: tuple[Network, ...]

    @property
    def capabilities(self) -> Capabilities:
        """What the host can do; a host without facts is never chosen."""
        assert self.host.facts is not None  # noqa: S101 -- placement refuses hosts without facts
        return self.host.facts.capabilities


def assembled(connection: Connection, ground: Ground, spec: VmSpec, name: str) -> PlannedVm:
    """The VM called `name` on its ground.

    Raises InvalidRequest for a mode or bus that the host does not have, NotFound for an unknown
    volume.
    """
    uuid = new_uuid()
    capabilities = ground.capabilities
    mode = chosen_mode(spec.mode, capabilities)
    disks = tuple(_disks(connection, ground, spec, mode, prefix=f"{name}-{uuid[:8]}"))
    seeded = needs_seed(spec, ground.template)
    return PlannedVm(
        uuid=uuid,
        name=name,
        host_id=ground.host.id,
        domain_type="qemu"
        if mode is Mode.EMULATED
        else capabilities.accelerator.accelerator.domain_type,
        arch=capabilities.arch,
        machine=(ground.template.machine if ground.template else "") or capabilities.machine,
        emulator=capabilities.emulator,
        mode=mode,
        firmware=spec.firmware,
        vcpus=spec.vcpus,
        max_vcpus=max(spec.vcpus, min(_HOTPLUG_VCPUS, _cpus(ground.host))),
        memory_mib=spec.memory_mib,
        max_memory_mib=spec.max_memory_mib,
        disks=disks,
        nics=tuple(planned_nic(ground, nic, mode) for nic in spec.nics),
        seed=_seed(ground.template, spec.seed, name) if seeded else None,
        seed_repository=ground.repository.name if seeded else "",
        seed_volume=f"{name}-{uuid[:8]}{SEED_SUFFIX}" if seeded else "",
        template=ground.template.name if ground.template else "",
        size=spec.size,
        description=spec.description,
        tags=spec.tags,
        autostart=spec.autostart,
        start=spec.start,
        boot=("hd", "cdrom") if spec.iso else ("hd",),
    )


def chosen_mode(wanted: str, capabilities: Capabilities) -> Mode:
    """The mode for `wanted`, or the host's best for `auto`; raises InvalidRequest if the host lacks
    it."""
    if wanted == "auto":
        return capabilities.accelerator.accelerator.default_mode
    if wanted not in [mode.value for mode in capabilities.modes]:
        offered = ", ".join(("auto", *capabilities.modes))
        raise InvalidRequest(
            f"This host does not offer mode {wanted!r}.",
            field="mode",
            remedy=f"Choose one of: {offered}.",
        )
    return Mode(wanted)


def planned_nic(ground: Ground, nic: NicSpec, mode: Mode) -> PlannedNic:
    """The network card with a MAC address and what it plugs into on this host."""
    kind = nic_kind(ground.host, ground.networks, nic.network)
    model = "e1000" if mode is Mode.HVM and nic.model == "virtio" else nic.model
    return PlannedNic(mac=nic.mac or new_mac(), kind=kind, network=nic.network, model=model)


def nic_kind(host: Host, networks: tuple[Network, ...], name: str) -> str:
    """libvirt's interface type for a network of that name on the host: network, bridge or user."""
    if host.facts is not None and not host.facts.capabilities.system_networks:
        return "user"
    if name == "user":
        return "user"
    for network in networks:
        if network.host_id == host.id and network.facts.name == name:
            plain = network.facts.kind is NetworkKind.BRIDGE and not network.facts.uuid
            return "bridge" if plain else "network"
    return "network"


def find_medium(connection: Connection, host: Host, name: str) -> Volume:
    """The volume `repository/volume`, or the only one of that name on the host; raises NotFound."""
    repository, _, volume = name.rpartition("/")
    found = [
        one
        for one in storage_store.volumes_named(connection, volume, host_id=host.id)
        if repository in ("", one.repository_name)
    ]
    if not found:
        remedy = "Import it first: castalia volume import REPOSITORY FILE-OR-URL"
        raise NotFound(f"There is no volume {name} on {host.name}.", field="iso", remedy=remedy)
    return found[0]


def media_check(connection: Connection, host: Host, spec: VmSpec) -> list[Check]:
    """That the ISO exists on the chosen host; raises NotFound if not."""
    if not spec.iso:
        return []
    volume = find_medium(connection, host, spec.iso)
    return [ok("medium", f"{volume.facts.name} lies in repository {volume.repository_name}.")]


def checked_bus(bus: str) -> str:
    """Returns `bus` if disks may be attached to it; raises InvalidRequest otherwise."""
    if bus not in _BUSES:
        remedy = f"Choose one of: {', '.join(_BUSES)}."
        raise InvalidRequest(f"There is no disk bus {bus!r}.", field="bus", remedy=remedy)
    return bus


def _cpus(host: Host) -> int:
    return host.facts.cpus if host.facts else 1


def needs_seed(spec: VmSpec, template: Template | None) -> bool:
    """Whether the VM gets a seed: its template reads one, or somebody gave one, as for an imported
    cloud image."""
    return (template is not None and template.cloud_init) or spec.seed.given


def _seed(template: Template | None, seed: GuestSeed, name: str) -> GuestSeed:
    user = seed.user or (template.default_user if template else "")
    return replace(seed, hostname=seed.hostname or hostname_from(name), user=user)


def _disks(
    connection: Connection, ground: Ground, spec: VmSpec, mode: Mode, *, prefix: str
) -> Iterator[PlannedDisk]:
    bus = "sata" if mode is Mode.HVM else "virtio"
    taken: list[str] = []
    if spec.disk_bytes:
        taken.append(free_target(bus, taken=taken))
        yield PlannedDisk(
            target=taken[-1],
            repository=ground.repository.name,
            volume=f"{prefix}-system.qcow2",
            size_bytes=spec.disk_bytes,
            bus=bus,
            template_id=ground.template.id if ground.template else "",
        )
    for number, disk in enumerate(spec.disks, 1):
        taken.append(free_target(checked_bus(disk.bus), taken=taken))
        yield _extra_disk(connection, ground, disk, taken[-1], f"{prefix}-data{number}")
    if spec.iso:
        medium = find_medium(connection, ground.host, spec.iso)
        yield PlannedDisk(
            target=free_target("sata", taken=taken),
            repository=medium.repository_name,
            volume=medium.facts.name,
            format="raw",
            bus="sata",
            device=DeviceKind.CDROM,
            made=False,
        )


def _extra_disk(
    connection: Connection, ground: Ground, disk: DiskSpec, target: str, stem: str
) -> PlannedDisk:
    if disk.volume:
        name = f"{disk.repository}/{disk.volume}" if disk.repository else disk.volume
        found = find_medium(connection, ground.host, name)
        raw = found.facts.format in (VolumeFormat.RAW, VolumeFormat.ISO)
        return PlannedDisk(
            target=target,
            repository=found.repository_name,
            volume=found.facts.name,
            format="raw" if raw else found.facts.format.value,
            bus=disk.bus,
            device=disk.device,
            made=False,
        )
    if not disk.size_bytes:
        remedy = "Give each further disk a size, or an existing volume."
        raise InvalidRequest("A disk has neither size nor volume.", field="disks", remedy=remedy)
    return PlannedDisk(
        target=target,
        repository=disk.repository or ground.repository.name,
        volume=f"{stem}.{disk.format}",
        size_bytes=disk.size_bytes,
        format=disk.format,
        bus=disk.bus,
    )
