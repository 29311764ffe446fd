"""Networks of the in-memory driver, with a DHCP server that gives out addresses in order."""

import uuid as uuids
from ipaddress import ip_interface

from castalia.errors import Conflict
from castalia.model.network import Lease, NetworkFacts, NetworkKind, NetworkSpec

_FIRST_LEASE = 2


def facts_of(spec: NetworkSpec) -> NetworkFacts:
    """The network that a specification makes."""
    first = last = ""
    if spec.cidr and spec.dhcp:
        hosts = ip_interface(spec.cidr).network
        first, last = str(hosts[_FIRST_LEASE]), str(hosts[-2])
    return NetworkFacts(
        name=spec.name,
        uuid=str(uuids.uuid5(uuids.NAMESPACE_DNS, spec.name)),
        kind=spec.kind,
        bridge=spec.bridge or f"br-{spec.name}",
        cidr=spec.cidr,
        dhcp_start=first,
        dhcp_end=last,
    )


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
        there = self._facts.setdefault(spec.name, made)
        if there != made:
            raise Conflict(
                f"The host has another network called {spec.name}.",
                code="network.name-taken",
                remedy="Choose another name.",
            )
        self._leases.setdefault(spec.name, [])
        return there

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
        network = ip_interface(facts.cidr).network
        lease = Lease(
            mac=mac,
            ip=str(network[_FIRST_LEASE + len(given)]),
            prefix=network.prefixlen,
            hostname=hostname,
        )
        given.append(lease)
        return lease
