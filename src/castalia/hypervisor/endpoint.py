"""Where a libvirt address leads: to this machine or over TCP, and whether anybody answers there."""

import os
import socket
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from castalia.errors import HostUnreachable, InvalidRequest

_PORTS = {"tls": 16514, "tcp": 16509, "ssh": 22, "libssh": 22, "libssh2": 22}
_DRIVERS = frozenset({"qemu", "xen", "test"})
_SSH = frozenset({"ssh", "libssh", "libssh2"})


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A libvirt address taken apart. `host` is empty for this machine."""

    uri: str
    driver: str
    transport: str = ""
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def local(self) -> bool:
        """Whether libvirt is reached through a socket file or within this process."""
        return not self.host

    @property
    def daemonless(self) -> bool:
        """Whether libvirt answers within this process (the test driver): nothing can get lost."""
        return self.driver == "test" and not self.host and not self.transport

    @property
    def session(self) -> bool:
        """Whether it is an unprivileged user's libvirt. Root's own session is the system's libvirt,
        VMs and networks included."""
        roots = self.local and os.geteuid() == 0 and "socket=" not in self.uri
        return self.path.rstrip("/").endswith("/session") and not roots

    @property
    def place(self) -> str:
        """The host in words for users."""
        return self.host or "this machine"

    @property
    def opening_uri(self) -> str:
        """The address to open: ssh is told never to ask anybody for a password."""
        if self.transport not in _SSH or "no_tty=" in self.uri:
            return self.uri
        return self.uri + ("&" if "?" in self.uri else "?") + urlencode({"no_tty": 1})


def parse_endpoint(uri: str) -> Endpoint:
    """Takes a libvirt address apart; raises InvalidRequest if it is none that Castalia can use."""
    try:
        parts = urlsplit(uri)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _refused(uri) from error
    driver, _, transport = parts.scheme.partition("+")
    if driver not in _DRIVERS or not parts.path:
        raise _refused(uri)
    if host and not transport:
        transport = "tls"  # libvirt's own default for an address with a host
    if host and transport not in _PORTS:
        raise _refused(uri)
    return Endpoint(
        uri=uri,
        driver=driver,
        transport=transport,
        host=host,
        port=(port or _PORTS[transport]) if host else 0,
        path=parts.path,
    )


def _refused(uri: str) -> InvalidRequest:
    return InvalidRequest(
        f"{uri!r} is not an address of a hypervisor.",
        field="uri",
        code="host.uri-invalid",
        remedy="Write qemu:///system for this machine, qemu+ssh://root@HOST/system or "
        "qemu+tls://HOST/system for another one, xen+ssh://root@HOST/system for Xen.",
    )


def probe(endpoint: Endpoint, *, timeout_s: float) -> None:
    """Makes sure that somebody accepts TCP connections at a remote endpoint.

    libvirt itself would block for more than 30 s on a host that is cut off. Raises HostUnreachable.
    """
    if endpoint.local:
        return
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s).close()
    except socket.gaierror as error:
        if endpoint.transport not in _SSH:  # ssh may know the name from its own configuration
            raise _unknown_name(endpoint) from error
    except TimeoutError as error:
        raise _silent(endpoint, timeout_s) from error
    except ConnectionRefusedError as error:
        raise _closed_port(endpoint) from error
    except OSError as error:
        raise _no_way(endpoint, error) from error


def _unknown_name(endpoint: Endpoint) -> HostUnreachable:
    return HostUnreachable(
        f"The name {endpoint.host} cannot be resolved.",
        remedy="Check the spelling, DNS or /etc/hosts, or use the host's IP address.",
    )


def _silent(endpoint: Endpoint, timeout_s: float) -> HostUnreachable:
    return HostUnreachable(
        f"{endpoint.host} does not answer on TCP port {endpoint.port} within {timeout_s:g} s.",
        remedy="Check that the host is up and that no firewall is in between.",
    )


def _closed_port(endpoint: Endpoint) -> HostUnreachable:
    service = "sshd" if endpoint.transport in _SSH else "libvirt's remote service"
    return HostUnreachable(
        f"{endpoint.host} is up, but nothing listens on TCP port {endpoint.port}.",
        remedy=f"Start {service} on the host, or correct the port.",
    )


def _no_way(endpoint: Endpoint, error: OSError) -> HostUnreachable:
    return HostUnreachable(
        f"There is no way to {endpoint.host} on the network.",
        remedy="Check this machine's network and routes, and the host's address.",
        detail=str(error),
    )
