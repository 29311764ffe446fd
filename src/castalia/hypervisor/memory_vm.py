"""A VM of the in-memory driver: its two definitions, its state, and a guest that does what a test
tells it to."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from castalia.hypervisor.definition_cache import known_from
from castalia.hypervisor.device_identity import identify
from castalia.hypervisor.driver import ExecResult
from castalia.libvirtxml import document
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_read import definition
from castalia.libvirtxml.ownership import METADATA_KEY, METADATA_URI
from castalia.model.vm import Definition, VmFacts, VmState

Program = Callable[[list[str], bytes], ExecResult]


def echo(argv: list[str], stdin: bytes) -> ExecResult:
    """The guest's only program unless a test brings another: prints its arguments and its input."""
    return ExecResult(exit_code=0, stdout=" ".join(argv[1:]).encode() + stdin, stderr=b"")


@dataclass
class MemoryGuest:
    """How the guest behaves; tests set these."""

    obeys_agent: bool = True
    obeys_acpi: bool = True
    lets_devices_go: bool = True
    program: Program = echo
    keys: list[list[int]] = field(default_factory=list)


@dataclass
class MemoryVm:
    """`stored` is what it boots with next, `running` what it runs with, empty when it is off."""

    stored: str
    running: str = ""
    state: VmState = VmState.STOPPED
    reason: str = ""
    autostart: bool = False
    saved: bool = False
    agent_connected: bool = False
    guest: MemoryGuest = field(default_factory=MemoryGuest)

    @property
    def active(self) -> bool:
        """Whether it holds memory on its host."""
        return bool(self.running)

    @property
    def definition(self) -> Definition:
        """What it runs with, or boots with when it is off."""
        return definition(self.running or self.stored)

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    def facts(self) -> VmFacts:
        """The VM as the driver reports it."""
        next_xml = self.stored if self.active else None
        known = known_from(self.running or self.stored, active=self.active, next_xml=next_xml)
        return VmFacts(
            definition=known.definition,
            next_definition=known.next_definition,
            state=self.state,
            state_reason=self.reason,
            autostart=self.autostart,
            agent_connected=self.agent_connected,
            saved=self.saved,
            ownership=known.ownership,
        )

    def power_on(self, *, paused: bool) -> None:
        """From off or suspended to running or paused."""
        self.running = self.stored
        self.saved = False
        self.state = VmState.PAUSED if paused else VmState.RUNNING
        self.reason = "paused by a user" if paused else ""
        self.agent_connected = self.definition.agent_channel and not paused

    def power_off(self, *, reason: str, saved: bool = False) -> None:
        """From running to off, or suspended to disk."""
        self.running, self.saved, self.reason, self.agent_connected = "", saved, reason, False
        self.state = VmState.SUSPENDED if saved else VmState.STOPPED

    def edit(self, change: Callable[[str], str], *, live: bool) -> None:
        """Applies a change of XML to the stored definition and, when `live`, to the running one."""
        running = change(self.running) if live and self.running else self.running
        self.stored, self.running = change(self.stored), running


# --- changes of XML ---


def with_uuid(xml: str, uuid: str) -> str:
    """The definition with a UUID, its own if it has one."""
    domain = Domain(xml)
    domain.uuid = domain.uuid or uuid
    return domain.text()


def with_name(xml: str, name: str) -> str:
    """The definition under another name."""
    domain = Domain(xml)
    domain.name = name
    return domain.text()


def with_note(xml: str, note: str) -> str:
    """The definition with Castalia's note, given as libvirt's setMetadata takes it."""
    domain = Domain(xml)
    domain.drop(f"metadata/{{{METADATA_URI}}}vm")
    metadata = domain.element.find("metadata")
    if metadata is None:
        metadata = document.element("metadata")
        document.insert(domain.element, metadata, order=Domain.ORDER["domain"])
    document.insert(metadata, _in_name_space(document.parse(note)))
    return domain.text()


def _in_name_space(note: document.Element) -> document.Element:
    made = document.element(
        f"{{{METADATA_URI}}}{note.tag}" if not str(note.tag).startswith("{") else str(note.tag),
        {str(name): str(value) for name, value in note.attrib.items()},
        text=note.text,
        names={METADATA_KEY: METADATA_URI},
    )
    made.extend([_in_name_space(child) for child in note])
    return made


def with_device(xml: str, device_xml: str) -> str:
    """The definition with a device more."""
    domain = Domain(xml)
    devices = domain.element.find("devices")
    if devices is None:
        devices = document.element("devices")
        document.insert(domain.element, devices, order=Domain.ORDER["domain"])
    new = document.parse(device_xml)
    following = _disks_after(new, devices) if new.tag == "disk" else []
    for one in following:
        document.remove(one)
    for one in (new, *following):
        document.insert(devices, one, order=Domain.ORDER["devices"])
    return domain.text()


def _disks_after(new: document.Element, devices: document.Element) -> list[document.Element]:
    """The disks behind a new one: libvirt keeps those of a bus together, in the order of their
    targets."""
    bus, rank = _place_of(new)
    disks = devices.findall("disk")
    same = [number for number, disk in enumerate(disks) if _place_of(disk)[0] == bus]
    later = [number for number in same if _place_of(disks[number])[1] > rank]
    if later:
        return disks[later[0] :]
    return disks[same[-1] + 1 :] if same else []


def _place_of(disk: document.Element) -> tuple[str, tuple[int, str]]:
    target = disk.find("target")
    name, bus = ("", "") if target is None else (target.get("dev", ""), target.get("bus", ""))
    return bus, (len(name), name)


def without_device(xml: str, device_xml: str) -> str:
    """The definition without a device; unchanged if it has none like it."""
    domain = Domain(xml)
    found = _element_of(domain, device_xml)
    if found is not None:
        document.remove(found)
    return domain.text()


def _element_of(domain: Domain, device_xml: str) -> document.Element | None:
    identity = identify(device_xml)
    wanted = document.parse(device_xml)
    devices = domain.element.findall(f"devices/{wanted.tag}")
    if not identity.key:
        text = document.to_text(wanted)
        return next((node for node in devices if document.to_text(node) == text), None)
    place, attribute = ("target", "dev") if identity.kind == "disk" else ("mac", "address")
    for node in devices:
        holder = node.find(place)
        if holder is not None and holder.get(attribute, "").lower() == identity.key.lower():
            return node
    return None


def with_vcpus(xml: str, vcpus: int) -> str:
    """The definition with another number of vCPUs; its maximum grows with it."""
    domain = Domain(xml)
    domain.max_vcpus = max(domain.max_vcpus, vcpus)
    domain.current_vcpus = 0 if vcpus == domain.max_vcpus else vcpus
    return domain.text()


def with_memory(xml: str, memory_mib: int) -> str:
    """The definition with another amount of memory; its maximum grows with it."""
    domain = Domain(xml)
    domain.memory_mib = max(domain.memory_mib, memory_mib)
    domain.current_memory_mib = memory_mib
    return domain.text()


def cut(result: ExecResult, *, limit_bytes: int) -> ExecResult:
    """The result with no more output than a real agent would hand over."""
    long = max(len(result.stdout), len(result.stderr)) > limit_bytes
    return replace(
        result,
        stdout=result.stdout[:limit_bytes],
        stderr=result.stderr[:limit_bytes],
        truncated=result.truncated or long,
    )
