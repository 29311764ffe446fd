"""Addresses of hypervisors: which libvirt URIs may be connected to.

What follows the scheme reaches `ssh` on this machine, so nothing passes there that it would take
for an option or a command.
"""

import re
import socket
from urllib.parse import SplitResult, parse_qsl, urlsplit

from castalia.errors import InvalidRequest

_SCHEMES = ("qemu", "qemu+ssh", "qemu+tls", "qemu+unix", "xen", "xen+ssh", "xen+tls", "test")
_EXAMPLES = "qemu:///system, qemu+ssh://root@h1/system, qemu+tls://h1.example/system"
_URI = re.compile(r"[\x21-\x7e]{1,500}")
_HOST = re.compile(r"[a-z0-9][a-z0-9._-]*|[0-9a-f:.]+(%[a-z0-9._-]+)?|", re.IGNORECASE)
_USER = re.compile(r"[a-z0-9_][a-z0-9._-]*", re.IGNORECASE)
# `proxy` only chooses between libvirt's own two ways (native, netcat).
_COMMANDS = frozenset({"command", "netcat"})


def checked_address(uri: str) -> SplitResult:
    """The parts of a URI that may be connected to; raises InvalidRequest naming `uri`."""
    parts = _split(uri)
    if parts is None or parts.scheme not in _SCHEMES:
        remedy = f"Write it as libvirt does: {_EXAMPLES}."
        raise InvalidRequest(f"{uri!r} is no address of a hypervisor.", field="uri", remedy=remedy)
    if parts.password:
        remedy = "Use SSH keys or TLS certificates."
        raise InvalidRequest("The address holds a password.", field="uri", remedy=remedy)
    if not _HOST.fullmatch(parts.hostname or "") or not _USER.fullmatch(parts.username or "_"):
        remedy = f"Write the user's and the host's name as they are: {_EXAMPLES}."
        raise InvalidRequest(
            "The address names no possible user or host.", field="uri", remedy=remedy
        )
    if _parameters(parts) & _COMMANDS:
        remedy = "Leave these parameters out; set them in SSH's own configuration."
        raise InvalidRequest(
            "The address would run a command on this machine.", field="uri", remedy=remedy
        )
    return parts


def is_this_machine(uri: str) -> bool:
    """Whether the hypervisor at that address runs where the manager does, as far as names tell."""
    host = urlsplit(uri).hostname or "localhost"
    return host in {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}


def _split(uri: str) -> SplitResult | None:
    if not _URI.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a port that is none raises here
    except ValueError:
        return None
    return parts


def _parameters(parts: SplitResult) -> set[str]:
    """libvirt parts them by `&` or `;`, and undoes escapes in their names."""
    query = parts.query.replace(";", "&")
    return {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
