"""What the manager asks of a host. Every driver answers all of it or raises Unsupported with a
reason.

Every method may raise HostUnreachable (at once, when the connection is known to be down),
HypervisorError, and
NotFound for a VM or network that the host does not have. Methods block; none may be called on an
event loop.
A VM is named by its UUID. Nothing here knows of databases, jobs or users.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from castalia.model.host import HostFacts
from castalia.model.metric import HostCounters, VmCounters
from castalia.model.network import Lease, NetworkFacts, NetworkSpec
from castalia.model.vm import Address, VmFacts


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """What a command in the guest left behind."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class HostSnapshot:
    """All VMs of a host at one moment."""

    vms: tuple[VmFacts, ...]


@dataclass(frozen=True, kw_only=True)
class HostSignal:
    """Something happened on a host. `kind` is one of: `vm` (its state or definition changed; `uuid`
    says which),
    `vm-gone` (undefined), `agent` (connected or not), `network`, `pool`, `closed` (the connection
    broke)."""

    kind: str
    uuid: str = ""
    detail: str = ""


class SerialStream(Protocol):
    """A guest's serial console, both ways. Reads block at most `timeout_s`."""

    def read(self, *, timeout_s: float) -> bytes:
        """Bytes that the guest wrote; empty after `timeout_s` without any. Raises EOFError at the
        end."""

    def write(self, data: bytes) -> None:
        """Sends bytes to the guest."""

    def close(self) -> None:
        """Gives the console free; twice does no harm."""


class HypervisorDriver(Protocol):
    """One host."""

    # --- the host itself ---
    def connect(self) -> None:
        """Makes the connection; raises HostUnreachable with the reason and the remedy."""

    def close(self) -> None:
        """Ends the connection and every stream on it."""

    @property
    def connected(self) -> bool:
        """Whether the connection is up as far as is known; never blocks."""

    def watch(self, callback: Callable[[HostSignal], None]) -> None:
        """Has `callback` called, on a thread of the driver's, for every signal from now on."""

    def facts(self) -> HostFacts:
        """What the host is and can do. The accelerator was measured, or the finding says that it
        was not."""

    def counters(self) -> HostCounters:
        """Running totals of CPU time and the memory in use."""

    # --- inventory, in bulk ---
    def snapshot(self) -> HostSnapshot:
        """Every VM on the host with its definition and state."""

    def vm(self, uuid: str) -> VmFacts:
        """One VM."""

    def vm_counters(self) -> list[VmCounters]:
        """Running totals of all running VMs, from one bulk call where the host has one."""

    def xml(self, uuid: str, *, inactive: bool = True) -> str:
        """A VM's definition: what it boots with next (`inactive`), or what it runs with now."""

    def addresses(self, uuid: str) -> list[Address]:
        """A running VM's addresses, from its agent, its network's leases, and ARP."""

    # --- definitions ---
    def define(self, xml: str) -> str:
        """Makes or replaces a VM's definition; returns its UUID. Autostart and state stay as they
        are."""

    def undefine(self, uuid: str) -> None:
        """Forgets a stopped VM with its saved state, firmware variables and snapshot metadata; no
        volume is
        deleted. A VM that is already gone is no error."""

    def rename(self, uuid: str, name: str) -> None:
        """Gives a stopped VM another name."""

    def set_autostart(self, uuid: str, *, enabled: bool) -> None:
        """Whether the VM starts with its host."""

    def set_metadata(self, uuid: str, xml: str) -> None:
        """Stores Castalia's ownership note in the VM, running or not, without touching the rest."""

    # --- life ---
    def start(self, uuid: str, *, paused: bool = False) -> None:
        """Starts a stopped or suspended VM; one that runs already is no error."""

    def request_shutdown(self, uuid: str, *, via: str) -> None:
        """Asks the guest to shut down, `via` "agent" or "acpi"; returns at once. Raises GuestError
        if the agent
        is not there."""

    def stop(self, uuid: str) -> None:
        """Cuts the power; a VM that is off already is no error."""

    def request_reboot(self, uuid: str, *, via: str) -> None:
        """Asks the guest to reboot, `via` "agent" or "acpi"."""

    def reset(self, uuid: str) -> None:
        """Presses the reset button."""

    def pause(self, uuid: str) -> None:
        """Stops the VM's CPUs; memory stays."""

    def resume(self, uuid: str) -> None:
        """Lets a paused VM run on."""

    def suspend(self, uuid: str) -> None:
        """Saves the VM's memory to the host's disk and stops it; `start` brings it back."""

    def discard_suspended(self, uuid: str) -> None:
        """Throws a saved memory away, so that the next start is a cold one."""

    # --- devices, hot and cold ---
    def attach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Adds a device to the definition and, when `live`, to the running VM."""

    def detach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Takes a device away from the definition and, when `live`, from the running VM; returns
        once the
        guest has let it go. Raises GuestError after 20 s if it does not."""

    def update_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Changes a device that is there: another medium in a drive, a link up or down, a graphics
        password."""

    def set_vcpus(self, uuid: str, vcpus: int, *, live: bool) -> None:
        """Sets the number of vCPUs; when `live`, more are plugged in, fewer are taken offline in
        the guest through
        its agent (unplugging is never used: it crashes QEMU)."""

    def set_memory(self, uuid: str, memory_mib: int, *, live: bool) -> None:
        """Sets the memory target in MiB; when `live`, by the balloon, at most the VM's maximum."""

    def resize_block(self, uuid: str, target: str, size_bytes: int) -> None:
        """Tells a running VM that the disk `target` has grown, growing the image itself."""

    # --- guest and console ---
    def guest_exec(
        self, uuid: str, argv: list[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> ExecResult:
        """Runs a command in the guest through its agent. Raises GuestError without an agent or past
        the time."""

    def agent_ready(self, uuid: str) -> bool:
        """Whether the guest's agent answers now."""

    def send_keys(self, uuid: str, keycodes: list[int], *, hold_ms: int = 50) -> None:
        """Presses the keys (Linux input codes) together."""

    def screenshot(self, uuid: str) -> tuple[bytes, str]:
        """A picture of the VM's screen and its MIME type (PNG or PPM)."""

    def open_graphics(self, uuid: str) -> AbstractContextManager[int]:
        """A connected VNC socket's file descriptor, without any TCP port having been opened. Raises
        Unsupported
        where the host is not local."""

    def open_serial(self, uuid: str, *, force: bool = False) -> SerialStream:
        """The serial console. Raises Conflict if somebody else has it, unless `force`."""

    # --- networks ---
    def networks(self) -> list[NetworkFacts]:
        """Networks defined on the host and its bridges."""

    def define_network(self, spec: NetworkSpec) -> NetworkFacts:
        """Makes, starts and autostarts a network; one that is there with the same settings is no
        error."""

    def remove_network(self, name: str) -> None:
        """Stops and forgets a network; one that is gone is no error."""

    def leases(self, network: str) -> list[Lease]:
        """Addresses that the network's DHCP server gave out."""
