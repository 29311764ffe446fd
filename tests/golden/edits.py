"""Every edit that a definition can have, and the paths that it may touch."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from castalia.libvirtxml.clone import cloned
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_plan import DiskPlan, NicPlan
from castalia.model.vm import DeviceKind, Ownership

_NOTE = r"domain/metadata(/\{urn:castalia:vm:1\}vm.*)?"
_BOOT = r"domain/os/boot.*|domain/devices/\w+(\[.*\])?/boot(/@order)?"
_NEW_MAC = "52:54:00:aa:bb:cc"
CLONE_UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A named edit; `touches` gives, for the definition before it, what may differ after it."""

    name: str
    apply: Callable[[Domain], object]
    touches: Callable[[Domain], str]


def _always(pattern: str) -> Callable[[Domain], str]:
    return lambda _: pattern


def _drive(domain: Domain) -> str:
    """The first drive; else the first disk, which then has to be refused."""
    targets = [disk.target for disk in domain.disks if disk.removable]
    return (targets or [disk.target for disk in domain.disks])[0]


def _disk(domain: Domain, target: str, inside: str = "(/.*)?") -> str:
    return rf"domain/devices/disk\[{re.escape(target)}\]{inside}"


def _nic(mac: str, inside: str = "(/.*)?") -> str:
    return rf"domain/devices/interface\[{re.escape(mac)}\]{inside}"


def _clone(domain: Domain) -> str:
    paths = {
        disk.source: f"/srv/clones/{disk.target}.img" for disk in domain.disks if disk.type != "dir"
    }
    macs = [f"52:54:00:00:01:{number:02x}" for number, _ in enumerate(domain.nics)]
    text = cloned(
        domain.text(),
        name="copy",
        uuid=CLONE_UUID,
        macs=macs,
        paths={source: path for source, path in paths.items() if source},
        genid="9ac4d1ba-51a3-4a5b-8f4c-4d1a3f6f1c11",
    )
    domain.element = Domain(text).element
    return text


_MEDIUM = r"/(@type|source.*|backingStore.*|mirror.*|target/@tray|driver(/@type)?)"
_SIZES = r"(memory|currentMemory|maxMemory)(/(text\(\)|@unit))?"
_CLONE = "|".join(
    (
        r"domain/(@id|(name|uuid|genid)/text\(\))",
        r"domain/sysinfo/system/entry\[\d+\]/text\(\)",
        r"domain/os/nvram(/.*)?",
        r"domain/devices/disk\[\w+\]/(@type|@device|source.*|backingStore.*|auth.*)",
        r"domain/devices/interface\[[0-9a-zA-Z:]+\].*",
        r"domain/devices/channel(\[\d+\])?/source.*",
        r"domain/devices/graphics/(@port|@autoport|@socket|listen/@socket)",
    )
)

EDITS = (
    Edit(
        name="title",
        apply=lambda d: setattr(d, "title", "A <title> & more"),
        touches=_always(r"domain/title(/text\(\))?"),
    ),
    Edit(
        name="description",
        apply=lambda d: setattr(d, "description", " two\n lines "),
        touches=_always(r"domain/description(/text\(\))?"),
    ),
    Edit(
        name="fewer vCPUs",
        apply=lambda d: d.set_vcpus(1),
        touches=_always(r"domain/vcpu/@current|domain/vcpus/.*"),
    ),
    Edit(
        name="more vCPUs",
        apply=lambda d: d.set_vcpus(d.vcpu_limit * 2),
        touches=_always(
            r"domain/vcpu/(@current|text\(\))|domain/vcpus/.*|domain/cpu/topology/@sockets"
        ),
    ),
    Edit(
        name="less memory",
        apply=lambda d: d.set_memory((d.current_memory_mib or d.memory_mib) // 2),
        touches=_always(r"domain/currentMemory(/.*)?"),
    ),
    Edit(
        name="more memory",
        apply=lambda d: d.set_memory(d.memory_mib * 2),
        touches=_always(rf"domain/{_SIZES}|domain/cpu/numa/cell(\[\d+\])?/@(memory|unit)"),
    ),
    Edit(
        name="boot by words",
        apply=lambda d: d.set_boot_order(("hd", "network")),
        touches=_always(_BOOT),
    ),
    Edit(
        name="boot from devices",
        apply=lambda d: d.set_boot_order((d.nics[0].mac, d.disks[-1].target)),
        touches=_always(_BOOT),
    ),
    Edit(
        name="add a disk",
        apply=lambda d: d.add_disk(DiskPlan(path="/srv/new.qcow2", serial="NEW")),
        touches=lambda d: _disk(d, d.free_target("virtio")),
    ),
    Edit(
        name="add an empty SCSI drive",
        apply=lambda d: d.add_disk(DiskPlan(bus="scsi", format="raw", device=DeviceKind.CDROM)),
        touches=lambda d: _disk(d, d.free_target("scsi")) + r"|domain/devices/controller.*",
    ),
    Edit(
        name="remove the last disk",
        apply=lambda d: d.remove_disk(d.disks[-1].target),
        touches=lambda d: _disk(d, d.disks[-1].target),
    ),
    Edit(
        name="insert a medium",
        apply=lambda d: d.set_medium(_drive(d), path="/srv/iso/other.iso"),
        touches=lambda d: _disk(d, _drive(d), _MEDIUM),
    ),
    Edit(
        name="eject",
        apply=lambda d: d.set_medium(_drive(d), path=""),
        touches=lambda d: _disk(d, _drive(d), _MEDIUM),
    ),
    Edit(
        name="add a card",
        apply=lambda d: d.add_nic(NicPlan(mac=_NEW_MAC, source="default")),
        touches=_always(_nic(_NEW_MAC)),
    ),
    Edit(
        name="remove the first card",
        apply=lambda d: d.remove_nic(d.nics[0].mac),
        touches=lambda d: _nic(d.nics[0].mac),
    ),
    Edit(
        name="pull the cable",
        apply=lambda d: d.set_link(d.nics[0].mac, up=False),
        touches=lambda d: _nic(d.nics[0].mac, r"/link(/@state)?"),
    ),
    Edit(
        name="plug the cable in",
        apply=lambda d: d.set_link(d.nics[-1].mac.upper(), up=True),
        touches=lambda d: _nic(d.nics[-1].mac, r"/link(/@state)?"),
    ),
    Edit(
        name="own",
        apply=lambda d: d.set_ownership(Ownership(template="micro", size="s", tags=("a", "b"))),
        touches=_always(_NOTE),
    ),
    Edit(
        name="disown",
        apply=lambda d: d.set_ownership(None),
        touches=_always(_NOTE),
    ),
    Edit(name="clone", apply=_clone, touches=_always(_CLONE)),
)
