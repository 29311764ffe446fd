"""What a host, through its driver, can do. Data, so that nobody has to ask what kind of driver it
is."""

from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """How a VM is virtualized."""

    EMULATED = "emulated"
    HVM = "hvm"
    PVHVM = "pvhvm"
    PV = "pv"
    PVH = "pvh"


class Accelerator(StrEnum):
    """What runs guest code on a host."""

    KVM = "kvm"
    EMULATED = "emulated"
    XEN = "xen"
    TEST = "test"

    @property
    def domain_type(self) -> str:
        """libvirt's word for it: the `type` of a `<domain>`."""
        return "qemu" if self is Accelerator.EMULATED else self.value

    @property
    def default_mode(self) -> Mode:
        """The mode that a VM gets here when it says `auto`."""
        return Mode.EMULATED if self is Accelerator.EMULATED else Mode.PVHVM


@dataclass(frozen=True, kw_only=True)
class AcceleratorFinding:
    """What the probe measured, and why the accelerator was chosen."""

    accelerator: Accelerator
    reason: str
    measured: bool = False
    kvm_ms: float | None = None
    emulation_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What can be asked of a host. `missing` maps what it cannot do to the reason, in words for
    users."""

    hypervisor: str
    arch: str
    machine: str = "q35"
    emulator: str = ""
    accelerator: AcceleratorFinding
    modes: tuple[Mode, ...] = ()
    system_networks: bool = True
    bulk_stats: bool = True
    guest_agent: bool = True
    local_console: bool = False
    hotplug: bool = True
    save: bool = True
    screenshot: bool = True
    missing: dict[str, str] = field(default_factory=dict)
