"""Decides which URLs the manager may download from.

A manager that fetches any address a user names can be made to read what only it can reach: cloud
metadata services, the hosts' management network, itself. So a download resolves the name, checks
every address, and connects to a checked one.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from castalia.errors import Forbidden, InvalidRequest, TemporaryError

_SCHEMES = ("http", "https")
_MAX_CHARACTERS = 4096
_FIELD = "url"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True)
class AddressPolicy:
    """Which addresses downloads may go to, besides the public ones.

    `allow_private` admits every private and local address; `allowed_networks` only these, for a
    mirror within the house.
    """

    allow_private: bool = False
    allowed_networks: tuple[str, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether a download may connect there."""
        if self.allow_private or any(
            address in ipaddress.ip_network(network) for network in self.allowed_networks
        ):
            return True
        plain = _unwrapped(address)
        return plain.is_global and not plain.is_multicast


def checked_url(url: str) -> str:
    """Returns `url` if it is a plain http or https address without credentials.

    Raises InvalidRequest. Nothing is looked up.
    """
    if len(url) > _MAX_CHARACTERS or not url.isprintable() or " " in url:
        raise _bad("This is not an address.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise _bad("This is not an address.") from exc
    if parts.scheme not in _SCHEMES:
        raise _bad(f"Addresses with {parts.scheme or 'no scheme'!r} are not downloaded.")
    if not host:
        raise _bad("The address names no server.")
    if parts.username is not None or parts.password is not None:
        raise _bad("The address holds a user name or a password.")
    return url


def checked_target(url: str, policy: AddressPolicy) -> str:
    """The IP address to connect to for `url`: the first one, if all of the name's are allowed.

    Raises Forbidden when one of them is not, TemporaryError when the name cannot be resolved.
    """
    parts = urlsplit(checked_url(url))
    assert parts.hostname is not None  # noqa: S101 -- checked_url saw it
    addresses = _resolve(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    for address in addresses:
        if not policy.allows(address):
            raise Forbidden(
                f"{parts.hostname} is a private or local address, from which nothing is fetched.",
                field=_FIELD,
                remedy="Upload the file instead, or have the administrator allow that network.",
                detail=f"{parts.hostname} resolves to {address}",
            )
    return str(addresses[0])


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise TemporaryError(
            f"The server {host!r} is not known.",
            remedy="Look at the address, and at this machine's name resolution.",
            code="image.unknown-server",
            field=_FIELD,
            detail=str(exc),
        ) from exc
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one: it is where the packets go in the end."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _bad(message: str) -> InvalidRequest:
    remedy = "Write it like https://example.org/images/disk.qcow2."
    return InvalidRequest(message, field=_FIELD, remedy=remedy)
