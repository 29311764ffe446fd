"""A host's networks: libvirt's own, and bridges that are just there."""

import contextlib
from pathlib import Path

import libvirt

from castalia.errors import Conflict, NotFound, Unsupported
from castalia.hypervisor.driver_libvirt_base import LibvirtPart
from castalia.libvirtxml.network import build_network, parse_network
from castalia.libvirtxml.xmlnode import Node, Text
from castalia.model.network import Lease, NetworkFacts, NetworkKind, NetworkSpec

_ACTIVE = libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE
_AUTOSTART = libvirt.VIR_CONNECT_LIST_NETWORKS_AUTOSTART
_SYS_NET = Path("/sys/class/net")
NO_NETWORKS = "an unprivileged libvirt cannot make networks; VMs get user-mode networking"


class _HostInterface(Node):
    """A network interface of the host."""

    TAG = "interface"
    type = Text("@type")


class Networks(LibvirtPart):
    """Listing, making and removing networks."""

    def networks(self) -> list[NetworkFacts]:
        """Networks defined on the host, and its bridges that belong to none of them."""
        with self.connection.calling("listing the networks") as handle:
            active, autostart = _uuids(handle, _ACTIVE), _uuids(handle, _AUTOSTART)
            found = [
                _facts(network, active=active, autostart=autostart)
                for network in handle.listAllNetworks(0)
            ]
            taken = {facts.bridge for facts in found if facts.kind is not NetworkKind.BRIDGE}
            bridges = [name for name in self._bridges(handle) if name not in taken]
        found += [
            NetworkFacts(name=name, uuid="", kind=NetworkKind.BRIDGE, bridge=name)
            for name in bridges
            if name not in {facts.name for facts in found}
        ]
        return sorted(found, key=lambda facts: facts.name)

    def define_network(self, spec: NetworkSpec) -> NetworkFacts:
        """Makes, starts and autostarts a network; one that is there with the same settings is no
        error. Raises Conflict if the name, the bridge or the addresses are taken."""
        if self.connection.endpoint.session:
            raise Unsupported(f"The network cannot be made: {NO_NETWORKS}.")
        xml = build_network(spec)
        with self.connection.calling(f"making the network {spec.name}") as handle:
            network, new = _found(handle, spec.name), False
            if network is None:
                network, new = handle.networkDefineXML(xml), True
            elif not _same(parse_network(network.XMLDesc(0)), parse_network(xml)):
                raise Conflict(
                    f"The host has another network called {spec.name}.",
                    code="network.name-taken",
                    remedy="Choose another name, or remove that one first.",
                )
            _start(network, new=new)
            network.setAutostart(1)
            return parse_network(network.XMLDesc(0))

    def remove_network(self, name: str) -> None:
        """Stops and forgets a network; one that is gone is no error."""
        with self.connection.calling(f"removing the network {name}") as handle:
            network = _found(handle, name)
            if network is None:
                return
            if network.isActive():
                network.destroy()
            if network.isPersistent():
                network.undefine()

    def leases(self, network: str) -> list[Lease]:
        """Addresses that the network's DHCP server gave out."""
        with self.connection.calling(f"reading the leases of {network}") as handle:
            found = _found(handle, network)
            if found is None:
                raise NotFound("The host has no such network.", code="network.not-found")
            if not found.isActive():
                return []
            return [_lease(entry) for entry in found.DHCPLeases()]

    def _bridges(self, handle: libvirt.virConnect) -> list[str]:
        """The host's bridges, by libvirt's interface driver where it has one."""
        try:
            return [
                interface.name()
                for interface in handle.listAllInterfaces(0)
                if _HostInterface(interface.XMLDesc(0)).type == "bridge"
            ]
        except libvirt.libvirtError:
            endpoint = self.connection.endpoint
            return _own_bridges() if endpoint.local and not endpoint.daemonless else []


def _uuids(handle: libvirt.virConnect, flag: int) -> frozenset[str]:
    return frozenset(network.UUIDString() for network in handle.listAllNetworks(flag))


def _facts(
    network: libvirt.virNetwork, *, active: frozenset[str], autostart: frozenset[str]
) -> NetworkFacts:
    uuid = network.UUIDString()
    return parse_network(network.XMLDesc(0), active=uuid in active, autostart=uuid in autostart)


def _found(handle: libvirt.virConnect, name: str) -> libvirt.virNetwork | None:
    try:
        return handle.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
            raise
        return None


def _same(there: NetworkFacts, wanted: NetworkFacts) -> bool:
    """Whether a network is what was asked for; libvirt chose the bridge where nobody did."""
    return (
        (there.kind, there.cidr, there.dhcp_start, there.dhcp_end)
        == (wanted.kind, wanted.cidr, wanted.dhcp_start, wanted.dhcp_end)
    ) and wanted.bridge in {"", there.bridge}


def _start(network: libvirt.virNetwork, *, new: bool) -> None:
    """Starts the network; a new one that does not start is forgotten again."""
    if network.isActive():
        return
    try:
        network.create()
    except libvirt.libvirtError:
        if network.isActive():  # somebody else was quicker
            return
        if new:
            with contextlib.suppress(libvirt.libvirtError):
                network.undefine()
        raise


def _lease(entry: dict[str, object]) -> Lease:
    return Lease(
        mac=str(entry["mac"] or "").lower(),
        ip=str(entry["ipaddr"]),
        prefix=int(str(entry["prefix"])),
        hostname=str(entry.get("hostname") or ""),
    )


def _own_bridges() -> list[str]:
    """This machine's bridges."""
    try:
        return sorted(path.name for path in _SYS_NET.iterdir() if (path / "bridge").is_dir())
    except OSError:
        return []
