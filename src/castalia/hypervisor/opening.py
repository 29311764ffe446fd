"""Opens a libvirt connection within a limit of time, and says in our words why it did not work."""

import re
import threading
from dataclasses import dataclass, field

import libvirt

from castalia.errors import HostUnreachable
from castalia.hypervisor.endpoint import Endpoint

_REASONS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, remedy)
    for pattern, reason, remedy in (
        (
            r"host key verification failed",
            "The SSH key of {host} is not known yet, or it changed.",
            "Run ssh to the host once by hand, compare the key, and accept it.",
        ),
        (
            r"permission denied \(|too many authentication failures",
            "The host {host} does not accept this user's SSH key.",
            "Put this user's public key on the host: ssh-copy-id USER@{host}",
        ),
        (
            r"permission denied|polkit|authentication (failed|unavailable)",
            "This user may not use libvirt on {host}.",
            "Run the manager as root, add its user to the group libvirt, or use qemu:///session.",
        ),
        (
            r"certificate|tls|gnutls",
            "The TLS certificates of {host} and this machine do not fit together.",
            "Check the CA, and that the host's certificate names the host as it is written here.",
        ),
        (
            r"no such file or directory|connection refused",
            "Libvirt does not run on {host}.",
            "Install libvirt-daemon-system there and start it: systemctl start libvirtd",
        ),
        (
            r"no connection driver available|could not find driver|unable to find.*driver",
            "Libvirt on {host} has no driver for this kind of hypervisor.",
            "Install libvirt's driver for it (for QEMU: libvirt-daemon-driver-qemu).",
        ),
        (
            r"command not found|cannot recv data|end of file",
            "The host {host} answers, but no libvirt is behind it.",
            "Install libvirt-daemon-system on the host (with its client tools).",
        ),
    )
)


@dataclass
class Opening:
    """One attempt to open a connection, in a thread: libvirt has no time limit of its own."""

    endpoint: Endpoint
    handle: libvirt.virConnect | None = None
    error: libvirt.libvirtError | None = None
    _abandoned: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Opening":
        """Begins; returns itself."""
        threading.Thread(target=self._run, name="libvirt-open", daemon=True).start()
        return self

    @property
    def pending(self) -> bool:
        """Whether libvirt is still at it."""
        return not self._done.is_set()

    def wait(self, *, timeout_s: float) -> libvirt.virConnect:
        """The open connection; raises HostUnreachable with the reason, or after `timeout_s`, when
        one may wait again."""
        with self._lock:
            self._abandoned = self._abandoned and not self.pending
        self._done.wait(timeout_s)
        with self._lock:
            self._abandoned = self._abandoned or self.pending
        if self._abandoned:
            raise unresponsive(self.endpoint, timeout_s=timeout_s)
        if self.error is not None:
            raise _refused(self.endpoint, self.error) from self.error
        return self.handle

    def _run(self) -> None:
        try:
            handle, error = libvirt.open(self.endpoint.opening_uri), None
        except libvirt.libvirtError as caught:
            handle, error = None, caught
        with self._lock:
            self.handle, self.error = handle, error
            self._done.set()
            late = handle if self._abandoned else None
        if late is not None:
            late.close()


def unresponsive(endpoint: Endpoint, *, timeout_s: float) -> HostUnreachable:
    """The error for a libvirt that takes the connection but then says nothing."""
    return HostUnreachable(
        f"Libvirt on {endpoint.place} did not answer within {timeout_s:g} s.",
        remedy="Check whether libvirtd hangs there, and restart it; running VMs are not affected.",
    )


def _refused(endpoint: Endpoint, error: libvirt.libvirtError) -> HostUnreachable:
    words = str(error)
    reason, remedy = next(
        ((reason, remedy) for pattern, reason, remedy in _REASONS if pattern.search(words)),
        ("Libvirt on {host} cannot be used.", "The manager's log has its own words."),
    )
    return HostUnreachable(
        reason.format(host=endpoint.place),
        remedy=remedy.format(host=endpoint.place),
        detail=words,
    )
