"""Networks of the in-memory driver, with a DHCP server that gives out addresses in order."""

import uuid as uuids
from dataclasses import replace
from ipaddress import ip_address, ip_interface

from castalia.errors import Conflict
from castalia.libvirtxml.network import build_network, parse_network
from castalia.model.network import Lease, NetworkFacts, NetworkKind, NetworkSpec


def facts_of(spec: NetworkSpec) -> NetworkFacts:
    """The network that a specification makes, as libvirt would report it. Raises InvalidRequest."""
    uuid = str(uuids.uuid5(uuids.NAMESPACE_DNS, spec.name))
    facts = parse_network(build_network(spec, uuid=uuid))
    return replace(facts, bridge=facts.bridge or f"br-{spec.name}")


class MemoryNetworks:
    """A host's networks and the leases of each."""

    def __init__(self) -> None:
        self._facts: dict[str, NetworkFacts] = {}
        self._leases: dict[str, list[Lease]] = {}
        self.define(NetworkSpec(name="default", kind=NetworkKind.NAT, cidr="192.168.122.1/24"))

    def every(self) -> list[NetworkFacts]:
        """All networks, by name."""
        return sorted(self._facts.values(), key=lambda facts: facts.name)

    def define(self, spec: NetworkSpec) -> NetworkFacts:
        """Makes a network; the same again is no error."""
        made = facts_of(spec)
        there = self._facts.get(spec.name)
        if there is not None and there != made:
            raise Conflict(
                f"The host has another network called {spec.name}.",
                code="network.name-taken",
                remedy="Choose another name.",
            )
        if there is None:
            self._must_be_free(made)
        self._facts[spec.name] = made
        self._leases.setdefault(spec.name, [])
        return made

    def remove(self, name: str) -> bool:
        """Forgets a network; whether there was one."""
        self._leases.pop(name, None)
        return self._facts.pop(name, None) is not None

    def has(self, name: str) -> bool:
        """Whether there is a network of this name."""
        return name in self._facts

    def leases(self, name: str) -> list[Lease]:
        """The addresses given out, in the order of their asking."""
        return list(self._leases[name])

    def ask(self, name: str, *, mac: str, hostname: str) -> Lease | None:
        """The address that a card gets: the one it had before, or the next; None without DHCP."""
        facts = self._facts.get(name)
        if facts is None or not facts.dhcp_start:
            return None
        given = self._leases[name]
        if known := next((lease for lease in given if lease.mac == mac), None):
            return known
        lease = Lease(
            mac=mac,
            ip=str(ip_address(facts.dhcp_start) + len(given)),
            prefix=ip_interface(facts.cidr).network.prefixlen,
            hostname=hostname,
        )
        given.append(lease)
        return lease

    def _must_be_free(self, made: NetworkFacts) -> None:
        """No other network may have the same addresses."""
        if not made.cidr:
            return
        wanted = ip_interface(made.cidr).network
        others = [ip_interface(facts.cidr).network for facts in self._facts.values() if facts.cidr]
        if any(wanted.overlaps(other) for other in others):
            raise Conflict(
                "The addresses are in use on the host.",
                code="network.in-use",
                remedy="Choose another range of addresses.",
            )
