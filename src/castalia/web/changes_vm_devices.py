"""What can be done with a VM's disks and network cards."""

from collections.abc import Callable
from typing import Any

from castalia.model.amount import parse_bytes
from castalia.model.job import Job
from castalia.model.page import PageRequest
from castalia.model.plan import Plan
from castalia.model.vm import DeviceKind, DiskSpec, NicSpec
from castalia.model.vm_edit import (
    AttachDisk,
    AttachNic,
    ChangeMedium,
    DetachDisk,
    DetachNic,
    DeviceOperation,
    GrowDisk,
    SetLink,
)
from castalia.web.changes import Ask, Change, Choice, Field
from castalia.web.command import Command, options

_MANY = PageRequest(limit=200)
Build = Callable[[Ask], DeviceOperation]


def _device(verb: str, label: str, icon: str, build: Build, **more: Any) -> Change:
    def plan(ask: Ask) -> Plan:
        return ask.services.vm_devices.plan(ask.ref, build(ask), principal=ask.principal)

    def run(ask: Ask) -> Job:
        return ask.services.vm_devices.run(
            ask.ref, build(ask), expected_revision=None, principal=ask.principal
        )

    return Change(noun="vm", verb=verb, label=label, icon=icon, plan=plan, run=run, **more)


def _bytes(ask: Ask, default: str) -> int:
    return parse_bytes(ask.text("size") or default, field="size", default_unit="g")


def _disk_add(ask: Ask) -> AttachDisk:
    device = DeviceKind(ask.text("device") or DeviceKind.DISK)
    volume = ask.text("volume")
    disk = DiskSpec(
        size_bytes=0 if volume or device is DeviceKind.CDROM else _bytes(ask, "10G"),
        volume=volume,
        repository=ask.text("repository"),
        bus="sata" if device is DeviceKind.CDROM else ask.text("bus", "virtio"),
        device=device,
    )
    return AttachDisk(disk=disk)


def _path(ask: Ask, tail: str) -> str:
    return f"/vms/{ask.subject.id}/{tail}"


def _disk_add_command(ask: Ask) -> Command:
    spec = _disk_add(ask).disk
    size = [] if spec.volume else [ask.text("size") or "10G"]
    asked = options({"volume": spec.volume, "repository": spec.repository, "bus": spec.bus})
    words = ["vm", "disk-add", ask.subject.name, *size, *asked]
    body = {"size_bytes": spec.size_bytes, "volume": spec.volume, "bus": spec.bus}
    return Command(words=words, path=_path(ask, "disks"), method="POST", body=body)


def _disk_grow_command(ask: Ask) -> Command:
    target, size = ask.text("target"), ask.text("size") or "20G"
    words = ["vm", "disk-grow", ask.subject.name, target, size]
    body = {"size_bytes": _bytes(ask, "20G")}
    return Command(words=words, path=_path(ask, f"disks/{target}"), method="PATCH", body=body)


def _disk_detach_command(ask: Ask) -> Command:
    target, wipe = ask.text("target"), ask.flag("wipe")
    words = ["vm", "disk-detach", ask.subject.name, target, *options({"delete-volume": wipe})]
    query = {"delete_volume": "true" if wipe else ""}
    path = _path(ask, f"disks/{target}")
    return Command(words=words, path=path, method="DELETE", query=query)


def _medium_command(ask: Ask) -> Command:
    target, volume = ask.text("target"), ask.text("volume")
    medium = ["insert", ask.subject.name, volume] if volume else ["eject", ask.subject.name]
    words = ["vm", *medium, *options({"target": target})]
    body = {"volume": volume}
    return Command(words=words, path=_path(ask, f"disks/{target}"), method="PATCH", body=body)


def _nic_add_command(ask: Ask) -> Command:
    body = {"network": ask.text("network", "default"), "model": ask.text("model", "virtio")}
    words = ["vm", "nic-add", ask.subject.name, body["network"], "--model", body["model"]]
    return Command(words=words, path=_path(ask, "nics"), method="POST", body=body)


def _nic_detach_command(ask: Ask) -> Command:
    mac = ask.text("mac")
    words = ["vm", "nic-detach", ask.subject.name, mac]
    return Command(words=words, path=_path(ask, f"nics/{mac}"), method="DELETE")


def _link_command(ask: Ask) -> Command:
    mac, up = ask.text("mac"), ask.text("up", "yes") == "yes"
    words = ["vm", "nic-link", ask.subject.name, mac, "up" if up else "down"]
    body = {"link_up": up}
    return Command(words=words, path=_path(ask, f"nics/{mac}"), method="PATCH", body=body)


def network_choices(ask: Ask) -> list[Choice]:
    """The networks that a VM's host has, or all when there is no VM yet."""
    found = ask.services.networks.list(_MANY, principal=ask.principal).items
    host = getattr(ask.subject, "host_id", "")
    here = [item for item in found if not host or item.host_id == host]
    return [(item.facts.name, f"{item.facts.name} ({item.facts.kind})") for item in here]


def iso_choices(ask: Ask) -> list[Choice]:
    """CD images that the VM's host has, and the empty drive."""
    wanted = PageRequest(limit=200, filter="format:iso")
    found = ask.services.storage.volumes(wanted, principal=ask.principal).items
    return [("", "– empty –"), *((item.facts.name, item.facts.name) for item in found)]


def repository_choices(ask: Ask) -> list[Choice]:
    """The repositories of the VM's host."""
    found = ask.services.storage.repositories(_MANY, principal=ask.principal).items
    host = getattr(ask.subject, "host_id", "")
    here = [item for item in found if not host or item.host_id == host]
    return [("", "The host's default"), *((item.name, item.name) for item in here)]


_TARGET = Field(name="target", label="", kind="hidden", value=lambda ask: ask.text("target"))
_MAC = Field(name="mac", label="", kind="hidden", value=lambda ask: ask.text("mac"))
_BUSES = (("virtio", "virtio (fast)"), ("sata", "SATA"), ("scsi", "SCSI"), ("ide", "IDE"))
_CARDS = (("virtio", "virtio (fast)"), ("e1000e", "Intel e1000e"), ("rtl8139", "RTL8139"))

DEVICE_CHANGES = (
    _device(
        "disk-add",
        "Add a disk",
        "plus",
        _disk_add,
        command=_disk_add_command,
        fields=(
            Field(name="size", label="Size", value=lambda _: "10G", hint="20G, 512M, 1T"),
            Field(
                name="volume",
                label="Or a volume",
                placeholder="name of one that exists",
                hint="With a volume the size does not matter.",
            ),
            Field(name="repository", label="Repository", kind="select", choices=repository_choices),
            Field(name="bus", label="Bus", kind="select", choices=lambda _: _BUSES),
        ),
    ),
    _device(
        "disk-grow",
        "Grow the disk",
        "arrows-maximize",
        lambda ask: GrowDisk(target=ask.text("target"), size_bytes=_bytes(ask, "20G")),
        command=_disk_grow_command,
        fields=(
            _TARGET,
            Field(name="size", label="New size", required=True, value=lambda _: "20G"),
        ),
    ),
    _device(
        "disk-detach",
        "Detach the disk",
        "plug-connected-x",
        lambda ask: DetachDisk(target=ask.text("target"), delete_volume=ask.flag("wipe")),
        command=_disk_detach_command,
        danger=True,
        confirm_name=lambda ask: ask.flag("wipe"),
        fields=(_TARGET, Field(name="wipe", label="Delete the volume and its data", kind="check")),
    ),
    _device(
        "medium",
        "Change the CD",
        "disc",
        lambda ask: ChangeMedium(target=ask.text("target"), volume=ask.text("volume")),
        command=_medium_command,
        fields=(
            _TARGET,
            Field(name="volume", label="CD image", kind="select", choices=iso_choices),
        ),
    ),
    _device(
        "nic-add",
        "Add a network card",
        "plus",
        lambda ask: AttachNic(
            nic=NicSpec(network=ask.text("network", "default"), model=ask.text("model", "virtio"))
        ),
        command=_nic_add_command,
        fields=(
            Field(name="network", label="Network", kind="select", choices=network_choices),
            Field(name="model", label="Card", kind="select", choices=lambda _: _CARDS),
        ),
    ),
    _device(
        "nic-detach",
        "Detach the card",
        "plug-connected-x",
        lambda ask: DetachNic(mac=ask.text("mac")),
        command=_nic_detach_command,
        danger=True,
        fields=(_MAC,),
    ),
    _device(
        "link",
        "Plug or unplug the cable",
        "plug",
        lambda ask: SetLink(mac=ask.text("mac"), up=ask.text("up", "yes") == "yes"),
        command=_link_command,
        fields=(
            _MAC,
            Field(
                name="up",
                label="Cable",
                kind="radio",
                value=lambda ask: ask.text("up", "yes"),
                choices=lambda _: (("yes", "Plugged in"), ("no", "Unplugged")),
            ),
        ),
    ),
)
