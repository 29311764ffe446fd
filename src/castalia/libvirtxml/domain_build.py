"""A new domain's XML from a plan.

No TCP port is ever opened by what is built here: the VNC display listens to nobody, and consoles
are opened through libvirt.
"""

from dataclasses import replace

from castalia.errors import InvalidRequest
from castalia.libvirtxml import device_build as build
from castalia.libvirtxml.architectures import architecture, is_pcie
from castalia.libvirtxml.document import Element, element, indented
from castalia.libvirtxml.domain_boot import set_boot
from castalia.libvirtxml.domain_disks import default_bus
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.libvirtxml.ownership import set_ownership
from castalia.libvirtxml.targets import free_target
from castalia.model.vm import DeviceKind

_CPU_MODES = {"host-model", "host-passthrough", "maximum"}
SEED_SERIAL = "castalia-seed"
"""The serial number by which a seed is known among a VM's disks."""


def build_domain(plan: DomainPlan) -> str:
    """The XML of a new VM. Raises InvalidRequest for a plan that contradicts itself."""
    _check(plan)
    root = element(
        "domain",
        {"type": plan.domain_type},
        *_identity(plan),
        *_memory(plan),
        *_vcpus(plan),
        _os(plan),
        _features(plan),
        _cpu(plan),
        *_clock(plan),
        *_lifecycle(plan),
        _devices(plan),
    )
    domain = DomainTree(indented(root))
    set_ownership(domain, plan.ownership)
    if not plan.kernel:
        set_boot(domain, plan.boot or _default_boot(domain))
    return domain.text()


def default_cpu(*, domain_type: str, arch: str) -> str:
    """The CPU that a VM gets when nobody chose one: with an accelerator as much of the host's as
    can migrate; emulated, a named model that boots current systems."""
    if domain_type == "kvm":
        return "host-passthrough" if arch == "aarch64" else "host-model"
    return architecture(arch).emulated_cpu if domain_type == "qemu" else ""


def _check(plan: DomainPlan) -> None:
    if plan.memory_mib < 1 or 0 < plan.max_memory_mib < plan.memory_mib:
        remedy = "Give at least 1 MiB, and a maximum that is not below it."
        raise InvalidRequest("The memory does not fit.", field="memory_mib", remedy=remedy)
    if plan.vcpus < 1 or 0 < plan.max_vcpus < plan.vcpus:
        remedy = "Give at least one vCPU, and a maximum that is not below it."
        raise InvalidRequest("The number of vCPUs does not fit.", field="vcpus", remedy=remedy)
    if plan.firmware not in {"bios", "uefi", "uefi-secure"}:
        remedy = "Use bios, uefi or uefi-secure."
        raise InvalidRequest("Unknown firmware.", field="firmware", remedy=remedy)


def _identity(plan: DomainPlan) -> list[Element]:
    fields = ("name", "uuid", "genid", "title", "description")
    return [element(name, text=getattr(plan, name)) for name in fields if getattr(plan, name)]


def _mib(tag: str, amount: int, **more: int) -> Element:
    return element(tag, {**more, "unit": "MiB"}, text=amount)


def _memory(plan: DomainPlan) -> list[Element]:
    most = plan.max_memory_mib or plan.memory_mib
    sizes = [_mib("memory", most), _mib("currentMemory", plan.memory_mib)]
    if not plan.hotplug_memory_mib:
        return sizes
    room = most + plan.hotplug_memory_mib
    return [_mib("maxMemory", room, slots=plan.memory_slots), *sizes]


def _vcpus(plan: DomainPlan) -> list[Element]:
    most = plan.max_vcpus or plan.vcpus
    current = plan.vcpus if plan.vcpus < most else None
    return [element("vcpu", {"placement": "static", "current": current}, text=most)]


def _os(plan: DomainPlan) -> Element:
    usual = "" if plan.domain_type == "test" else architecture(plan.arch).machine
    return element(
        "os",
        {"firmware": "efi" if plan.firmware != "bios" else ""},
        element("type", {"arch": plan.arch, "machine": plan.machine or usual}, text="hvm"),
        _secure_boot(plan),
        *[
            element(name, text=getattr(plan, name))
            for name in ("kernel", "initrd", "cmdline")
            if getattr(plan, name)
        ],
    )


def _secure_boot(plan: DomainPlan) -> Element | None:
    """Says no aloud: libvirt else picks firmware that denies guests without a signed loader."""
    if plan.firmware == "bios":
        return None
    enabled = "yes" if plan.firmware == "uefi-secure" else "no"
    features = [
        element("feature", {"enabled": enabled, "name": name})
        for name in ("secure-boot", "enrolled-keys")
    ]
    return element("firmware", None, *(features if enabled == "yes" else features[:1]))


def _features(plan: DomainPlan) -> Element | None:
    traits = architecture(plan.arch)
    acpi = traits.acpi == "always" or (traits.acpi == "uefi" and plan.firmware != "bios")
    features = [
        element("acpi") if acpi else None,
        element("apic") if traits.is_pc else None,
        element("vmcoreinfo", {"state": "on"}) if plan.vmcoreinfo else None,
        element("smm", {"state": "on"}) if plan.firmware == "uefi-secure" else None,
    ]
    return element("features", None, *features) if any(f is not None for f in features) else None


def _cpu(plan: DomainPlan) -> Element | None:
    name = plan.cpu or default_cpu(domain_type=plan.domain_type, arch=plan.arch)
    numa = _numa(plan) if plan.hotplug_memory_mib else None
    if name in _CPU_MODES:
        check = "partial" if name == "host-model" else "none"
        return element("cpu", {"mode": name, "check": check}, numa)
    if not name:
        return None if numa is None else element("cpu", None, numa)
    attributes = {"mode": "custom", "match": "exact", "check": "none"}
    return element("cpu", attributes, element("model", {"fallback": "forbid"}, text=name), numa)


def _numa(plan: DomainPlan) -> Element:
    """One cell with everything: memory modules can only be plugged into a cell."""
    last = (plan.max_vcpus or plan.vcpus) - 1
    memory = plan.max_memory_mib or plan.memory_mib
    cpus = f"0-{last}" if last else "0"
    return element(
        "numa", None, element("cell", {"id": 0, "cpus": cpus, "memory": memory, "unit": "MiB"})
    )


def _clock(plan: DomainPlan) -> list[Element]:
    """Timers as guests like them; without them a paused or busy guest's clock runs wrong."""
    if not architecture(plan.arch).is_pc:
        return [element("clock", {"offset": "utc"})]
    timers = [
        element("timer", {"name": "rtc", "tickpolicy": "catchup"}),
        element("timer", {"name": "pit", "tickpolicy": "delay"}),
        element("timer", {"name": "hpet", "present": "no"}),
    ]
    return [element("clock", {"offset": "utc"}, *timers)]


def _lifecycle(plan: DomainPlan) -> list[Element]:
    fields = ("on_poweroff", "on_reboot", "on_crash")
    return [element(name, text=getattr(plan, name)) for name in fields]


def _default_boot(domain: DomainTree) -> tuple[str, ...]:
    """The first disk that can be written, then the CD drives: a blank disk is passed over, and an
    installed one is found without a change."""
    disks = [d.target for d in domain.disks if d.device == "disk" and not d.read_only]
    drives = [disk.target for disk in domain.disks if disk.device == "cdrom"]
    nics = [nic.mac for nic in domain.nics]
    return tuple(disks[:1] + drives or nics[:1])


def _disks(plan: DomainPlan) -> list[DiskPlan]:
    """Every disk with its bus and target."""
    disks = list(plan.disks)
    if plan.iso:
        disks.append(DiskPlan(path=plan.iso, format="raw", device=DeviceKind.CDROM))
    if plan.seed_path:
        # Cloud kernels have no AHCI driver; cloud-init finds the seed on any disk by its label.
        seed = DiskPlan(path=plan.seed_path, format="raw", serial=SEED_SERIAL, read_only=True)
        disks.append(seed)
    taken = {disk.target for disk in disks}
    placed = []
    for disk in disks:
        bus = disk.bus or default_bus(disk.device, arch=plan.arch, machine=plan.machine)
        target = disk.target or free_target(bus, taken=taken)
        taken.add(target)
        placed.append(replace(disk, bus=bus, target=target))
    return placed


def _devices(plan: DomainPlan) -> Element:
    disks = [build.disk_element(disk) for disk in _disks(plan)]
    nics = [build.nic_element(nic) for nic in plan.nics]
    others = _consoles(plan) + _inputs(plan) + _displays(plan) + _services(plan)
    controllers = _controllers(plan, [*disks, *nics, *others])
    emulator = element("emulator", text=plan.emulator) if plan.emulator else None
    return element("devices", None, emulator, *disks, *controllers, *nics, *others)


def _consoles(plan: DomainPlan) -> list[Element]:
    consoles = build.console_elements() if plan.serial_console else []
    return [*consoles, build.agent_element()] if plan.agent else consoles


def _inputs(plan: DomainPlan) -> list[Element]:
    traits = architecture(plan.arch)
    bus = "usb" if traits.usb else "virtio"
    wanted = {"tablet": plan.tablet and plan.vnc, "keyboard": traits.keyboard and plan.vnc}
    return [element("input", {"type": kind, "bus": bus}) for kind, use in wanted.items() if use]


def _displays(plan: DomainPlan) -> list[Element]:
    if not plan.vnc:
        return []
    return [build.vnc_element(), build.video_element(architecture(plan.arch).video)]


def _services(plan: DomainPlan) -> list[Element]:
    watchdog = {"model": architecture(plan.arch).watchdog, "action": plan.watchdog_action}
    return [
        *([build.tpm_element()] if plan.tpm else []),
        *([element("watchdog", watchdog)] if plan.watchdog_action else []),
        build.balloon_element(plan.balloon_stats_period_s),
        build.rng_element(),
    ]


def _controllers(plan: DomainPlan, devices: list[Element]) -> list[Element]:
    controllers = []
    if any(device.find("target[@bus='scsi']") is not None for device in devices):
        controllers.append(build.controller_element("scsi", model="virtio-scsi", index=0))
    if architecture(plan.arch).usb:
        used = any(device.get("bus") == "usb" for device in devices)
        controllers.append(_usb(used=used))
    if is_pcie(plan.arch, plan.machine) and plan.domain_type != "test":
        controllers += _root_ports(plan, [*devices, *controllers])
    return controllers


def _usb(*, used: bool) -> Element:
    """libvirt adds a controller by itself unless told that there is none."""
    return build.controller_element("usb", model="qemu-xhci" if used else "none", index=0)


def _root_ports(plan: DomainPlan, devices: list[Element]) -> list[Element]:
    """A port for each device, for libvirt would put devices into the spare ones, and the spare
    ones, without which nothing can be plugged in later."""
    count = sum(map(_takes_port, devices)) + plan.agent + plan.spare_ports
    root = build.controller_element("pci", model="pcie-root", index=0)
    ports = [
        build.controller_element("pci", model="pcie-root-port", index=index)
        for index in range(1, count + 1)
    ]
    return [root, *ports]


def _takes_port(device: Element) -> bool:
    if device.tag == "disk":
        return device.find("target[@bus='virtio']") is not None
    if device.tag in {"interface", "memballoon", "rng", "watchdog"}:
        return True
    models = {"virtio-scsi", "qemu-xhci"}
    return device.tag == "controller" and device.get("model") in models
