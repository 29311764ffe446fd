"""libvirt's errors in our words: one table from its codes, one from what its messages say.

libvirt's own text never reaches users; it goes into `detail`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import libvirt

from castalia.errors import (
    Busy,
    CastaliaError,
    Conflict,
    GuestError,
    HostUnreachable,
    HypervisorError,
    InsufficientCapacity,
    InvalidRequest,
    NotFound,
    StorageError,
    Unsupported,
)


@dataclass(frozen=True, kw_only=True)
class _Meaning:
    """What an error of libvirt's means to users."""

    error: type[CastaliaError]
    reason: str
    remedy: str = ""
    code: str = ""


_AGENT_REMEDY = (
    "A guest that has just started needs a moment: try again. If it stays so, install "
    "qemu-guest-agent in the guest and start it; the VM needs an agent channel."
)

_AGENT_ABSENT = _Meaning(
    error=GuestError,
    reason="the guest's agent does not answer.",
    remedy=_AGENT_REMEDY,
    code="guest.agent-absent",
)
_LOST = _Meaning(
    error=HostUnreachable,
    reason="the connection to the host broke.",
    remedy="It is made again by itself once the host answers.",
)
_VM_GONE = _Meaning(
    error=NotFound,
    reason="the VM is not on this host.",
    remedy="Look at the list of VMs; it may have been removed or moved by someone else.",
    code="vm.not-found",
)
_NETWORK_GONE = _Meaning(
    error=NotFound,
    reason="the host has no such network.",
    remedy="Create the network, or choose another one.",
    code="network.not-found",
)
_REPOSITORY_GONE = _Meaning(
    error=NotFound, reason="the host has no such repository.", code="repository.not-found"
)
_VOLUME_GONE = _Meaning(
    error=NotFound, reason="the repository has no such volume.", code="volume.not-found"
)
_UNSUPPORTED = _Meaning(
    error=Unsupported,
    reason="this host's hypervisor or this VM's hardware does not offer it.",
    remedy="Try it with the VM stopped, or on a host with a newer hypervisor.",
)
_REFUSED_ACCESS = _Meaning(
    error=HypervisorError,
    reason="the host does not let the manager's user do it.",
    remedy="Give the user full (not read-only) access to libvirt on that host.",
    code="host.access-denied",
)
_BUSY = _Meaning(
    error=Busy, reason="another operation on it is still going on.", remedy="Try again in a moment."
)

_BY_CODE: dict[int, _Meaning] = {
    libvirt.VIR_ERR_NO_DOMAIN: _VM_GONE,
    libvirt.VIR_ERR_NO_NETWORK: _NETWORK_GONE,
    libvirt.VIR_ERR_NO_STORAGE_POOL: _REPOSITORY_GONE,
    libvirt.VIR_ERR_NO_STORAGE_VOL: _VOLUME_GONE,
    libvirt.VIR_ERR_DOM_EXIST: _Meaning(
        error=Conflict,
        reason="the host has a VM of that name already.",
        remedy="Choose another name.",
        code="vm.name-taken",
    ),
    libvirt.VIR_ERR_NETWORK_EXIST: _Meaning(
        error=Conflict,
        reason="the host has a network of that name already.",
        remedy="Choose another name.",
        code="network.name-taken",
    ),
    libvirt.VIR_ERR_STORAGE_VOL_EXIST: _Meaning(
        error=Conflict,
        reason="the repository has a volume of that name already.",
        remedy="Choose another name.",
        code="volume.name-taken",
    ),
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE: _AGENT_ABSENT,
    libvirt.VIR_ERR_AGENT_UNSYNCED: _AGENT_ABSENT,
    libvirt.VIR_ERR_DEVICE_MISSING: _Meaning(
        error=NotFound, reason="the VM has no such device.", code="vm.device-not-found"
    ),
    libvirt.VIR_ERR_OPERATION_TIMEOUT: _BUSY,
    libvirt.VIR_ERR_RESOURCE_BUSY: _BUSY,
    libvirt.VIR_ERR_OPERATION_INVALID: _Meaning(
        error=Conflict,
        reason="the state that it is in does not allow it.",
        remedy="Look at its state, and start or stop it first.",
    ),
    libvirt.VIR_ERR_NO_SUPPORT: _UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED: _UNSUPPORTED,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: _UNSUPPORTED,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED: _UNSUPPORTED,
    libvirt.VIR_ERR_ACCESS_DENIED: _REFUSED_ACCESS,
    libvirt.VIR_ERR_OPERATION_DENIED: _REFUSED_ACCESS,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE: _REFUSED_ACCESS,
    libvirt.VIR_ERR_NO_MEMORY: _Meaning(
        error=InsufficientCapacity, reason="the host has too little free memory."
    ),
    libvirt.VIR_ERR_CPU_INCOMPATIBLE: _Meaning(
        error=HypervisorError,
        reason="the host's CPU lacks features that the VM asks for.",
        remedy="Choose a CPU model that every host of the pool has.",
        code="vm.cpu-incompatible",
    ),
    libvirt.VIR_ERR_OPERATION_ABORTED: _Meaning(
        error=HypervisorError, reason="it was cancelled.", code="cancelled"
    ),
    libvirt.VIR_ERR_RPC: _LOST,
    libvirt.VIR_ERR_INVALID_CONN: _LOST,
    libvirt.VIR_ERR_NO_CONNECT: _LOST,
    **dict.fromkeys(
        (
            libvirt.VIR_ERR_XML_ERROR,
            libvirt.VIR_ERR_XML_DETAIL,
            libvirt.VIR_ERR_XML_INVALID_SCHEMA,
            libvirt.VIR_ERR_PARSE_FAILED,
        ),
        _Meaning(
            error=InvalidRequest,
            reason="the hypervisor does not accept the definition.",
            remedy="Undo the last change of the definition; the manager's log has the place.",
            code="vm.definition-invalid",
        ),
    ),
}

_BY_WORDS: tuple[tuple[re.Pattern[str], _Meaning], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"client socket is closed|connection (reset|closed)|end of file while reading", _LOST),
        (
            r"not a migration stream",
            _Meaning(
                error=HypervisorError,
                reason="the other host did not prove who it is.",
                remedy="Check the hosts' certificates: each must name its host and its address.",
                code="host.certificate-mismatch",
            ),
        ),
        (
            r"no space left on device|disk quota exceeded",
            _Meaning(
                error=StorageError,
                reason="the host's file system is full.",
                remedy="Free some space there, or use a repository on another disk.",
                code="storage.full",
            ),
        ),
        (
            r"failed to get .{0,20}lock|is another process using the image|lock.*resource busy",
            _Meaning(
                error=Conflict,
                reason="one of its disks is in use by another VM.",
                remedy="Stop the other VM, or take the disk away from one of them.",
                code="volume.in-use",
            ),
        ),
        (
            r"cannot access storage file|cannot access backing file"
            r"|could not open '[^']+': no such file",
            _Meaning(
                error=StorageError,
                reason="the file of one of its disks is missing or unreadable on the host.",
                remedy="Bring the file back, or detach that disk.",
                code="volume.missing",
            ),
        ),
        (
            r"cannot allocate memory|cannot set up guest memory",
            _Meaning(
                error=InsufficientCapacity,
                reason="the host has too little free memory.",
                remedy="Stop another VM, give this one less memory, or use another host.",
            ),
        ),
        (
            r"network '.*' is not active",
            _Meaning(
                error=Conflict,
                reason="a network that it needs is stopped.",
                remedy="Start the network first.",
                code="network.inactive",
            ),
        ),
        (r"network not found", _NETWORK_GONE),
        (
            r"network is already in use by interface|bridge name .* already in use",
            _Meaning(
                error=Conflict,
                reason="its addresses or its bridge are in use on the host.",
                remedy="Choose another range of addresses, or another bridge.",
                code="network.in-use",
            ),
        ),
        (
            r"(interface MTU|get interface|add.* to bridge).*(no such device|bridge)",
            _Meaning(
                error=NotFound,
                reason="the host has no bridge of that name.",
                remedy="Make the bridge on the host, or choose another network.",
                code="network.bridge-missing",
            ),
        ),
        (
            r"active console session exists",
            _Meaning(
                error=Conflict,
                reason="somebody else has this console open.",
                remedy="Close the other session, or take the console over.",
                code="console.taken",
            ),
        ),
        (
            r"domain .*already (exists|defined)|domain with name",
            _BY_CODE[libvirt.VIR_ERR_DOM_EXIST],
        ),
        (
            r"guest agent (is not|not) (connected|available|responding|configured)|agent.*not conn",
            _AGENT_ABSENT,
        ),
        (
            r"unable to execute qemu agent command|unable to read from guest agent|agent command",
            _Meaning(
                error=GuestError,
                reason="the guest's agent refused it.",
                remedy="Look into the guest: the agent's configuration may forbid the command.",
                code="guest.agent-refused",
            ),
        ),
        (
            r"(device|disk|interface|nic).* not found|no (matching )?device"
            r"|target .* doesn't exist",
            _BY_CODE[libvirt.VIR_ERR_DEVICE_MISSING],
        ),
        (
            r"no more available pci slots|no available .*(slot|port)",
            _Meaning(
                error=Conflict,
                reason="the running VM has no free slot for another device.",
                remedy="Stop the VM and add the device then.",
                code="vm.no-slot",
            ),
        ),
        (
            r"target .* already exists|already (in use|exists)",
            _Meaning(
                error=Conflict,
                reason="something of that name is there already.",
                remedy="Choose another name.",
                code="name-taken",
            ),
        ),
    )
)

_UNKNOWN = _Meaning(
    error=HypervisorError,
    reason="the hypervisor refused.",
    remedy="The manager's log has the hypervisor's own words.",
)

# These codes are precise; the words of the message would only mislead.
_CODE_FIRST = frozenset(
    {
        libvirt.VIR_ERR_NO_DOMAIN,
        libvirt.VIR_ERR_NO_NETWORK,
        libvirt.VIR_ERR_NO_STORAGE_POOL,
        libvirt.VIR_ERR_NO_STORAGE_VOL,
        libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
        libvirt.VIR_ERR_AGENT_UNSYNCED,
        libvirt.VIR_ERR_NO_CONNECT,
    }
)
_TRANSPORT = frozenset({libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE})


def meaning_of(error: libvirt.libvirtError) -> _Meaning:
    """What libvirt's error means, by its code and its words."""
    code, words = error.get_error_code(), str(error)
    if error.get_error_domain() in _TRANSPORT and code in {
        libvirt.VIR_ERR_SYSTEM_ERROR,
        libvirt.VIR_ERR_INTERNAL_ERROR,
    }:
        return _LOST
    if code in _CODE_FIRST:
        return _BY_CODE[code]
    for pattern, meaning in _BY_WORDS:
        if pattern.search(words):
            return meaning
    return _BY_CODE.get(code, _UNKNOWN)


def as_castalia_error(error: libvirt.libvirtError, doing: str) -> CastaliaError:
    """The error to raise instead; `doing` says what was tried ("starting web1")."""
    meaning = meaning_of(error)
    return meaning.error(
        f"{doing[:1].upper()}{doing[1:]} failed: {meaning.reason}",
        remedy=meaning.remedy,
        code=meaning.code,
        detail=f"{error} (code {error.get_error_code()}, domain {error.get_error_domain()})",
    )


@contextmanager
def translated(doing: str, *, lost: Callable[[str], None] | None = None) -> Iterator[None]:
    """Turns libvirt's errors inside the block into ours; `lost` is told if the connection broke."""
    try:
        yield
    except libvirt.libvirtError as error:
        ours = as_castalia_error(error, doing)
        if lost and isinstance(ours, HostUnreachable):
            lost(str(error))
        raise ours from error
