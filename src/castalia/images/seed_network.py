"""Checks cloud-init network configurations, versions 1 and 2, and reads their Ethernet cards.

Format: https://cloudinit.readthedocs.io/en/latest/reference/network-config.html
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from castalia.errors import InvalidRequest
from castalia.images.seed_yaml import parse_yaml

_FIELD = "network_config"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_DEVICE = re.compile(r"[a-zA-Z0-9_.*?\[\]-]{1,32}")
_DOMAIN = re.compile(r"[a-zA-Z0-9._-]{1,253}")
_EXAMPLE = "See cloud-init's page 'Network configuration' for both versions."
_KINDS_V1 = frozenset({"physical", "bond", "bridge", "vlan", "nameserver", "route"})
_KINDS_V2 = frozenset({"version", "renderer", "ethernets", "bonds", "bridges", "vlans"})


@dataclass(frozen=True, kw_only=True)
class SeedNic:
    """One Ethernet card's configuration. A card is found by `mac`, else by `name`."""

    name: str
    mac: str = ""
    dhcp: bool = False
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    mtu: int = 0
    routes: tuple[tuple[str, str], ...] = ()


def parse_network(text: str) -> list[SeedNic]:
    """The Ethernet cards that a network configuration names.

    Raises InvalidRequest with the part at fault. Bonds, bridges and VLANs pass unread.
    """
    document = parse_yaml(text, field=_FIELD)
    if isinstance(document, dict) and set(document) == {"network"}:
        document = document["network"]
    if not isinstance(document, dict):
        raise _bad("A network configuration is a mapping with 'version: 2' or 'version: 1'.")
    version = document.get("version")
    if version not in (1, 2) or isinstance(version, bool):
        raise _bad(f"Network configuration version {version!r} is not known; there are 1 and 2.")
    return _version_1(document) if version == 1 else _version_2(document)


def _version_2(document: dict[str, Any]) -> list[SeedNic]:
    if unknown := set(map(str, document)) - _KINDS_V2:
        raise _bad(f"Network configuration: {sorted(unknown)[0]!r} is not known in version 2.")
    cards = document.get("ethernets") or {}
    _expect(isinstance(cards, dict), "'ethernets' is a mapping of names to cards")
    return [_card_v2(str(name), card) for name, card in cards.items()]


def _card_v2(name: str, card: Any) -> SeedNic:
    _expect(isinstance(card, dict), f"the card {name!r} is a mapping")
    match = card.get("match") or {}
    _expect(isinstance(match, dict), f"{name}: 'match' is a mapping")
    servers = card.get("nameservers") or {}
    _expect(isinstance(servers, dict), f"{name}: 'nameservers' is a mapping")
    routes = [_route(route, name) for route in _list(card.get("routes"), f"{name}: 'routes'")]
    defaults = tuple(via for to, via in routes if to in {"default", "0.0.0.0/0", "::/0"})
    old_style = [card[key] for key in ("gateway4", "gateway6") if card.get(key)]
    return SeedNic(
        name=_name(match.get("name") or name),
        mac=_mac(match.get("macaddress")),
        dhcp=card.get("dhcp4") is True,
        addresses=_each(_interface, _plain_addresses(card, name)),
        gateways=(*_each(_address, old_style), *defaults),
        servers=_each(_address, _list(servers.get("addresses"), f"{name}: 'addresses'")),
        search=_each(_domain, _list(servers.get("search"), f"{name}: 'search'")),
        mtu=_mtu(card.get("mtu")),
        routes=tuple(route for route in routes if route[1] not in defaults),
    )


def _plain_addresses(card: dict[str, Any], name: str) -> Iterable[Any]:
    """An address may be a mapping of itself to options."""
    for entry in _list(card.get("addresses"), f"{name}: 'addresses'"):
        yield from entry if isinstance(entry, dict) else (entry,)


def _version_1(document: dict[str, Any]) -> list[SeedNic]:
    entries = _list(document.get("config"), "'config'")
    for entry in entries:
        _expect(isinstance(entry, dict), "each entry of 'config' is a mapping")
        kind = entry.get("type")
        _expect(kind in _KINDS_V1, f"the type {kind!r} is not known in version 1")
    return [_card_v1(entry) for entry in entries if entry.get("type") == "physical"]


def _card_v1(entry: dict[str, Any]) -> SeedNic:
    name = _name(entry.get("name") or "eth0")
    subnets = _list(entry.get("subnets"), f"{name}: 'subnets'")
    _expect(all(isinstance(subnet, dict) for subnet in subnets), f"{name}: a subnet is a mapping")
    static = [subnet for subnet in subnets if subnet.get("address")]
    return SeedNic(
        name=name,
        mac=_mac(entry.get("mac_address")),
        dhcp=any(subnet.get("type") in {"dhcp", "dhcp4"} for subnet in subnets),
        addresses=_each(_interface, map(_with_mask, static)),
        gateways=_each(_address, [one["gateway"] for one in subnets if one.get("gateway")]),
        servers=_each(_address, _all_of(subnets, "dns_nameservers")),
        search=_each(_domain, _all_of(subnets, "dns_search")),
        mtu=_mtu(entry.get("mtu")),
    )


def _with_mask(subnet: dict[str, Any]) -> str:
    address, mask = str(subnet["address"]), subnet.get("netmask")
    return f"{address}/{mask}" if mask and "/" not in address else address


def _all_of(subnets: list[Any], key: str) -> list[Any]:
    values: list[Any] = []
    for subnet in subnets:
        value = subnet.get(key)
        values += [value] if isinstance(value, str) else _list(value, f"{key!r}")
    return values


def _each(check: Callable[[Any], str], values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(check(value) for value in values)


def _list(value: Any, what: str) -> list[Any]:
    _expect(value is None or isinstance(value, list), f"{what} is a list")
    return value or []


def _interface(value: Any) -> str:
    try:
        return str(ipaddress.ip_interface(str(value)))
    except ValueError as exc:
        raise _bad(f"{value!r} is not an address with a prefix, such as 192.0.2.5/24.") from exc


def _address(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError as exc:
        raise _bad(f"{value!r} is not an IP address.") from exc


def _route(route: Any, name: str) -> tuple[str, str]:
    _expect(isinstance(route, dict) and "to" in route, f"{name}: a route has 'to' and 'via'")
    to = str(route["to"])
    target = to if to == "default" else str(_network(to))
    return target, _address(route.get("via"))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise _bad(f"{text!r} is not a network, such as 198.51.100.0/24.") from exc


def _name(value: Any) -> str:
    _expect(bool(_DEVICE.fullmatch(str(value))), f"{value!r} cannot be a card's name")
    return str(value)


def _domain(value: Any) -> str:
    _expect(bool(_DOMAIN.fullmatch(str(value))), f"{value!r} cannot be a domain")
    return str(value)


def _mac(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).lower()
    _expect(bool(_MAC.fullmatch(text)), f"{value!r} is not a MAC address; quote it in YAML")
    return text


def _mtu(value: Any) -> int:
    fits = value is None or (isinstance(value, int) and 68 <= value <= 65535)
    _expect(fits, f"an MTU lies between 68 and 65535, not at {value!r}")
    return value or 0


def _expect(fine: bool, rule: str) -> None:  # noqa: FBT001 -- reads as an assertion
    if not fine:
        raise _bad(f"Network configuration: {rule}.")


def _bad(message: str) -> InvalidRequest:
    return InvalidRequest(message, field=_FIELD, remedy=_EXAMPLE)
