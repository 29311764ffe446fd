"""Elements for devices that are added to a domain."""

from castalia.errors import InvalidRequest
from castalia.libvirtxml.document import Element, element, indented, to_text
from castalia.libvirtxml.domain_devices import AGENT_CHANNEL
from castalia.libvirtxml.domain_plan import DiskPlan, NicPlan
from castalia.model.vm import DeviceKind

_DISK_SOURCES = {"file": "file", "block": "dev"}
_NIC_SOURCES = {"network": "network", "bridge": "bridge", "direct": "dev", "user": ""}


def disk_xml(plan: DiskPlan) -> str:
    """A disk as text for attaching. It needs `bus` and `target`; raises InvalidRequest."""
    return to_text(indented(disk_element(plan)))


def nic_xml(plan: NicPlan) -> str:
    """A network card as text for attaching. Raises InvalidRequest."""
    return to_text(indented(nic_element(plan)))


def disk_element(plan: DiskPlan) -> Element:
    """A `<disk>`; `bus` and `target` must be chosen. Raises InvalidRequest."""
    if not (plan.bus and plan.target):
        raise InvalidRequest("A disk needs a bus and a target.", field="disk")
    cd = plan.device is DeviceKind.CDROM
    discard = "unmap" if plan.device is DeviceKind.DISK and not plan.read_only else ""
    driver = {"name": "qemu", "type": plan.format, "cache": plan.cache, "discard": discard}
    return element(
        "disk",
        {"type": plan.source_kind, "device": plan.device.value},
        element("driver", driver),
        _disk_source(plan),
        element("target", {"dev": plan.target, "bus": plan.bus}),
        element("readonly") if plan.read_only or cd else None,
        element("serial", text=plan.serial) if plan.serial else None,
    )


def _disk_source(plan: DiskPlan) -> Element | None:
    attribute = _DISK_SOURCES.get(plan.source_kind)
    if attribute is None:
        remedy = "Use a file or a block device."
        message = f"A disk cannot be made from {plan.source_kind!r}."
        raise InvalidRequest(message, field="disk", remedy=remedy)
    if not plan.path and plan.device not in {DeviceKind.CDROM, DeviceKind.FLOPPY}:
        remedy = "Name the volume; only a CD or floppy drive can be empty."
        raise InvalidRequest("A disk needs a volume.", field="disk", remedy=remedy)
    return element("source", {attribute: plan.path}) if plan.path else None


def nic_element(plan: NicPlan) -> Element:
    """An `<interface>`. Raises InvalidRequest."""
    attribute = _NIC_SOURCES.get(plan.kind)
    if attribute is None or bool(attribute) != bool(plan.source):
        remedy = "Use network, bridge or direct with a source, or user without one."
        message = f"A network card cannot be plugged into {plan.kind} {plan.source!r}."
        raise InvalidRequest(message, field="nic", remedy=remedy)
    mode = "bridge" if plan.kind == "direct" else ""
    return element(
        "interface",
        {"type": plan.kind},
        element("mac", {"address": plan.mac}),
        element("source", {attribute: plan.source, "mode": mode}) if attribute else None,
        element("model", {"type": plan.model}),
        None if plan.link_up else element("link", {"state": "down"}),
    )


def agent_element() -> Element:
    """The channel by which the guest agent talks; libvirt chooses the socket's path."""
    return element(
        "channel",
        {"type": "unix"},
        element("target", {"type": "virtio", "name": AGENT_CHANNEL}),
    )


def console_elements() -> list[Element]:
    """A serial port as a pseudo terminal, which is also the console."""
    return [
        element("serial", {"type": "pty"}, element("target", {"port": "0"})),
        element("console", {"type": "pty"}, element("target", {"type": "serial", "port": "0"})),
    ]


def vnc_element() -> Element:
    """A VNC display that no port and no socket leads to: consoles are opened through libvirt."""
    return element("graphics", {"type": "vnc"}, element("listen", {"type": "none"}))


def video_element(model: str) -> Element:
    """A graphics card."""
    return element("video", None, element("model", {"type": model, "heads": "1", "primary": "yes"}))


def balloon_element(stats_period_s: int) -> Element:
    """A balloon that gives free pages back by itself and shrinks when the guest is in need."""
    stats = element("stats", {"period": stats_period_s}) if stats_period_s else None
    attributes = {"model": "virtio", "autodeflate": "on", "freePageReporting": "on"}
    return element("memballoon", attributes, stats)


def rng_element() -> Element:
    """A source of random numbers, so that a guest does not wait for some when it boots."""
    backend = element("backend", {"model": "random"}, text="/dev/urandom")
    return element("rng", {"model": "virtio"}, backend)


def tpm_element() -> Element:
    """An emulated TPM 2.0."""
    backend = element("backend", {"type": "emulator", "version": "2.0"})
    return element("tpm", {"model": "tpm-crb"}, backend)


def controller_element(kind: str, *, model: str = "", index: int | None = None) -> Element:
    """A bus controller."""
    return element("controller", {"type": kind, "index": index, "model": model})
