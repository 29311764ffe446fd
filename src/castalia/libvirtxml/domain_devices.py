"""The devices of a domain, as typed views of their elements.

Source: https://libvirt.org/formatdomain.html#devices. What a class does not declare stays in its
element untouched.
"""

from castalia.libvirtxml.xmlnode import (
    Children,
    Flag,
    Integer,
    MemoryMib,
    Node,
    Switch,
    Text,
)

AGENT_CHANNEL = "org.qemu.guest_agent.0"
"""The name by which QEMU's guest agent finds its channel."""


class DiskDevice(Node):
    """A disk, CD drive, floppy or LUN."""

    TAG = "disk"
    ORDER = {  # noqa: RUF012 - a ClassVar in Node
        "disk": (
            *("driver", "auth", "source", "backingStore", "mirror", "target", "iotune"),
            *("readonly", "shareable", "serial", "boot", "alias", "address"),
        )
    }
    type = Text("@type", default="file")
    device = Text("@device", default="disk")
    driver = Text("driver/@name")
    format = Text("driver/@type")
    cache = Text("driver/@cache")
    discard = Text("driver/@discard")
    source_file = Text("source/@file")
    source_dev = Text("source/@dev")
    source_dir = Text("source/@dir")
    source_pool = Text("source/@pool")
    source_volume = Text("source/@volume")
    source_protocol = Text("source/@protocol")
    source_name = Text("source/@name")
    source_path = Text("source/@path")
    target = Text("target/@dev")
    bus = Text("target/@bus")
    tray = Text("target/@tray")
    read_only = Flag("readonly")
    shareable = Flag("shareable")
    serial = Text("serial")
    boot_order = Integer("boot/@order")
    alias = Text("alias/@name")

    @property
    def source(self) -> str:
        """What the disk stores its bytes in, in one text: a path, `pool/volume`, or
        `protocol:name`; empty without a medium."""
        if self.type == "volume":
            return "/".join(filter(None, (self.source_pool, self.source_volume)))
        if self.type == "network":
            return ":".join(filter(None, (self.source_protocol, self.source_name)))
        return self.source_file or self.source_dev or self.source_dir or self.source_path

    @property
    def removable(self) -> bool:
        """Whether its medium can be changed."""
        return self.device in {"cdrom", "floppy"}


class NicDevice(Node):
    """A network card."""

    TAG = "interface"
    ORDER = {  # noqa: RUF012 - a ClassVar in Node
        "interface": (
            *("mac", "source", "virtualport", "target", "model", "driver", "filterref", "link"),
            *("mtu", "boot", "alias", "address"),
        )
    }
    type = Text("@type")
    mac = Text("mac/@address")
    source_network = Text("source/@network")
    source_bridge = Text("source/@bridge")
    source_dev = Text("source/@dev")
    source_mode = Text("source/@mode")
    source_path = Text("source/@path")
    model = Text("model/@type")
    target = Text("target/@dev")
    link = Text("link/@state")
    mtu = Integer("mtu/@size")
    queues = Integer("driver/@queues")
    filter = Text("filterref/@filter")
    boot_order = Integer("boot/@order")
    alias = Text("alias/@name")

    @property
    def source(self) -> str:
        """What the card plugs into: a network, a bridge, a host's device or a socket."""
        return self.source_network or self.source_bridge or self.source_dev or self.source_path


class GraphicsDevice(Node):
    """A graphical console."""

    TAG = "graphics"
    type = Text("@type")
    port = Integer("@port", default=-1)
    autoport = Switch("@autoport")
    password = Text("@passwd")
    valid_until = Text("@passwdValidTo")
    socket_path = Text("@socket")
    listen_address = Text("@listen")
    listen_type = Text("listen/@type")
    listen_to = Text("listen/@address")
    listen_socket = Text("listen/@socket")
    gl = Switch("gl/@enable")

    @property
    def listen(self) -> str:
        """Where it listens: an address, a socket's path, or `none`; empty for the host's
        default."""
        sockets = self.listen_socket or self.socket_path
        if self.listen_type == "none":
            return "none"
        return sockets or self.listen_to or self.listen_address


class SerialDevice(Node):
    """A serial port."""

    TAG = "serial"
    type = Text("@type")
    target_port = Integer("target/@port", default=-1)
    target_type = Text("target/@type")
    source_path = Text("source/@path")


class ConsoleDevice(SerialDevice):
    """A text console; the first one mirrors the first serial port."""

    TAG = "console"


class ChannelDevice(Node):
    """A channel between host and guest."""

    TAG = "channel"
    type = Text("@type")
    source_path = Text("source/@path")
    source_mode = Text("source/@mode")
    target_type = Text("target/@type")
    target_name = Text("target/@name")
    target_state = Text("target/@state")


class RngDevice(Node):
    """A source of random numbers."""

    TAG = "rng"
    model = Text("@model")
    backend = Text("backend")
    backend_model = Text("backend/@model")


class BalloonDevice(Node):
    """The balloon by which a guest gives memory back."""

    TAG = "memballoon"
    model = Text("@model")
    autodeflate = Switch("@autodeflate", on="on", off="off")
    free_page_reporting = Switch("@freePageReporting", on="on", off="off")
    stats_period_s = Integer("stats/@period")


class WatchdogDevice(Node):
    """A watchdog timer."""

    TAG = "watchdog"
    model = Text("@model")
    action = Text("@action")


class TpmDevice(Node):
    """A trusted platform module."""

    TAG = "tpm"
    model = Text("@model")
    backend = Text("backend/@type")
    version = Text("backend/@version")


class ControllerDevice(Node):
    """A bus controller."""

    TAG = "controller"
    type = Text("@type")
    model = Text("@model")
    index = Integer("@index", default=-1)


class VideoDevice(Node):
    """A graphics card."""

    TAG = "video"
    model = Text("model/@type")
    heads = Integer("model/@heads")
    primary = Switch("model/@primary")


class InputDevice(Node):
    """A keyboard, mouse or tablet."""

    TAG = "input"
    type = Text("@type")
    bus = Text("@bus")


class HostDevice(Node):
    """A device of the host that the guest has for itself."""

    TAG = "hostdev"
    mode = Text("@mode")
    type = Text("@type")
    managed = Switch("@managed")
    boot_order = Integer("boot/@order")


class MemoryDevice(Node):
    """A memory module that was plugged in."""

    TAG = "memory"
    model = Text("@model")
    size_mib = MemoryMib("target/size")


class NumaCell(Node):
    """A guest's NUMA node."""

    TAG = "cell"
    id = Integer("@id", default=-1)
    cpus = Text("@cpus")
    memory_mib = MemoryMib("@memory")


class HugePage(Node):
    """A page size that backs the guest's memory."""

    TAG = "page"
    size_mib = MemoryMib("@size")
    nodeset = Text("@nodeset")


class VcpuState(Node):
    """Whether one vCPU is plugged in."""

    TAG = "vcpu"
    id = Integer("@id", default=-1)
    enabled = Switch("@enabled")
    hotpluggable = Switch("@hotpluggable")
    order = Integer("@order")


class HugePages(Node):
    """The page sizes of a guest's memory."""

    TAG = "hugepages"
    pages = Children("", HugePage)
