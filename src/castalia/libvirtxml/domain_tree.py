"""A domain definition: a typed view of the whole tree, which keeps what it does not know.

Source: https://libvirt.org/formatdomain.html.
"""

from castalia.errors import NotFound
from castalia.libvirtxml import domain_devices as devices
from castalia.libvirtxml.xmlnode import (
    Children,
    Flag,
    Integer,
    MemoryMib,
    Node,
    Prose,
    Switch,
    Text,
    Words,
)

_OS = ("type", "firmware", "loader", "nvram", "kernel", "initrd", "cmdline", "boot", "bootmenu")
_TOP = (
    *("name", "uuid", "genid", "title", "description", "metadata"),
    *("maxMemory", "memory", "currentMemory", "memoryBacking", "vcpu", "vcpus", "iothreads"),
    *("os", "features", "cpu", "clock", "on_poweroff", "on_reboot", "on_crash", "pm", "devices"),
)
_DEVICES = (
    *("emulator", "disk", "controller", "filesystem", "interface", "serial", "console"),
    *("channel", "input", "tpm", "graphics", "video", "hostdev", "watchdog", "memballoon", "rng"),
)


class DomainTree(Node):
    """A VM's definition as a tree of typed properties."""

    TAG = "domain"
    ORDER = {"domain": _TOP, "os": _OS, "devices": _DEVICES}  # noqa: RUF012 - a ClassVar in Node

    type = Text("@type")
    name = Text("name")
    uuid = Text("uuid")
    genid = Text("genid")
    title = Prose("title")
    description = Prose("description")

    memory_mib = MemoryMib("memory")
    current_memory_mib = MemoryMib("currentMemory")
    hotplug_memory_mib = MemoryMib("maxMemory")
    memory_slots = Integer("maxMemory/@slots")
    hugepages = Children("memoryBacking", devices.HugePages)
    numa_cells = Children("cpu/numa", devices.NumaCell)

    max_vcpus = Integer("vcpu")
    current_vcpus = Integer("vcpu/@current")
    vcpu_states = Children("vcpus", devices.VcpuState)
    cpu_mode = Text("cpu/@mode")
    cpu_check = Text("cpu/@check")
    cpu_model = Text("cpu/model")
    cpu_sockets = Integer("cpu/topology/@sockets")
    cpu_dies = Integer("cpu/topology/@dies")
    cpu_clusters = Integer("cpu/topology/@clusters")
    cpu_cores = Integer("cpu/topology/@cores")
    cpu_threads = Integer("cpu/topology/@threads")

    os_type = Text("os/type")
    arch = Text("os/type/@arch")
    machine = Text("os/type/@machine")
    os_firmware = Text("os/@firmware")
    loader = Text("os/loader")
    loader_type = Text("os/loader/@type")
    nvram = Text("os/nvram")
    kernel = Text("os/kernel")
    initrd = Text("os/initrd")
    cmdline = Text("os/cmdline")
    boot_words = Words("os/boot/@dev", order=_OS)
    boot_menu = Switch("os/bootmenu/@enable")

    acpi = Flag("features/acpi")
    apic = Flag("features/apic")
    hyperv = Flag("features/hyperv")
    smm = Switch("features/smm/@state", on="on", off="off")
    vmcoreinfo = Switch("features/vmcoreinfo/@state", on="on", off="off")
    clock = Text("clock/@offset")
    on_poweroff = Text("on_poweroff")
    on_reboot = Text("on_reboot")
    on_crash = Text("on_crash")

    emulator = Text("devices/emulator")
    disks = Children("devices", devices.DiskDevice)
    nics = Children("devices", devices.NicDevice)
    graphics = Children("devices", devices.GraphicsDevice)
    serials = Children("devices", devices.SerialDevice)
    consoles = Children("devices", devices.ConsoleDevice)
    channels = Children("devices", devices.ChannelDevice)
    rngs = Children("devices", devices.RngDevice)
    balloons = Children("devices", devices.BalloonDevice)
    watchdogs = Children("devices", devices.WatchdogDevice)
    tpms = Children("devices", devices.TpmDevice)
    controllers = Children("devices", devices.ControllerDevice)
    videos = Children("devices", devices.VideoDevice)
    inputs = Children("devices", devices.InputDevice)
    hostdevs = Children("devices", devices.HostDevice)
    memory_modules = Children("devices", devices.MemoryDevice)

    @property
    def vcpu_limit(self) -> int:
        """How many vCPUs can be plugged in; libvirt means one where nothing is written."""
        return self.max_vcpus or 1

    @property
    def uefi(self) -> bool:
        """Whether the guest boots by UEFI."""
        names = ("OVMF", "AAVMF", "edk2", "QEMU_EFI")
        by_loader = self.loader_type == "pflash" or any(name in self.loader for name in names)
        return self.os_firmware == "efi" or by_loader

    def disk(self, target: str) -> devices.DiskDevice:
        """The disk called `target` (vda). Raises NotFound."""
        for disk in self.disks:
            if disk.target == target:
                return disk
        remedy = "Its disks are: " + (", ".join(disk.target for disk in self.disks) or "none") + "."
        raise NotFound(f"The VM has no disk {target}.", field="disk", remedy=remedy)

    def nic(self, mac: str) -> devices.NicDevice:
        """The network card with this MAC address, in any case. Raises NotFound."""
        for nic in self.nics:
            if nic.mac.lower() == mac.lower():
                return nic
        remedy = "Its cards are: " + (", ".join(nic.mac for nic in self.nics) or "none") + "."
        raise NotFound(f"The VM has no network card {mac}.", field="nic", remedy=remedy)
