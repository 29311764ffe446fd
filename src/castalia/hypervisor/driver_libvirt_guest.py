"""What needs the guest's help: commands, addresses."""

import contextlib
from collections.abc import Iterator
from typing import Any

import libvirt

from castalia.errors import CastaliaError, Conflict, GuestError
from castalia.hypervisor.driver import ExecResult
from castalia.hypervisor.driver_libvirt_inventory import Inventory
from castalia.hypervisor.guest_agent import ask_agent, run_in_guest
from castalia.model.vm import Address, AddressSource, Definition

_PING_S = 2
_ADDRESSES_S = 3
_SOURCES = (
    (AddressSource.AGENT, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT),
    (AddressSource.LEASE, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE),
    (AddressSource.ARP, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP),
)


class Guest(Inventory):
    """The guest's agent and its addresses."""

    def guest_exec(
        self, uuid: str, argv: list[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> ExecResult:
        """Runs a command in the guest through its agent."""
        with self._vm(uuid, "running a command in {}") as domain:
            if not domain.isActive():
                raise Conflict(
                    f"{domain.name()} is not running.",
                    remedy="Start it first.",
                    code="vm.not-running",
                )
            return run_in_guest(domain, argv, stdin=stdin, timeout_s=timeout_s)

    def agent_ready(self, uuid: str) -> bool:
        """Whether the guest's agent answers now."""
        try:
            with self._vm(uuid, "asking the agent of {}") as domain:
                if not domain.isActive():
                    return False
                ask_agent(domain, "guest-ping", timeout_s=_PING_S)
        except CastaliaError as error:
            if isinstance(error, GuestError) or error.code in {"unsupported", "conflict"}:
                return False
            raise
        return True

    def addresses(self, uuid: str) -> list[Address]:
        """A running VM's addresses; an address that several sources know comes from the best."""
        found: dict[str, Address] = {}
        with self._vm(uuid, "reading the addresses of {}") as domain:
            if not domain.isActive():
                return []
            known = self._running(domain)
            for source, flag in _SOURCES:
                if source is AddressSource.AGENT and not known.agent_connected:
                    continue  # it would only wait for its time limit
                for address in _ask(domain, source, flag):
                    found.setdefault(address.ip, address)
                if _complete(found, known.definition):
                    break
        return _own(list(found.values()), known.definition)


def _ask(domain: libvirt.virDomain, source: AddressSource, flag: int) -> list[Address]:
    if source is AddressSource.AGENT:
        with contextlib.suppress(libvirt.libvirtError):
            domain.agentSetResponseTimeout(_ADDRESSES_S, 0)
    try:
        interfaces = domain.interfaceAddresses(flag, 0)
    except libvirt.libvirtError:
        return []  # this source knows nothing, or is not to be had here; the next one may
    return list(_addresses(interfaces or {}, source))


def _addresses(interfaces: dict[str, Any], source: AddressSource) -> Iterator[Address]:
    for name, interface in interfaces.items():
        if name == "lo":
            continue
        for entry in interface.get("addrs") or []:
            if not entry["addr"].lower().startswith("fe80:"):
                yield Address(
                    ip=entry["addr"],
                    prefix=int(entry["prefix"]),
                    mac=(interface.get("hwaddr") or "").lower(),
                    source=source,
                )


def _complete(found: dict[str, Address], definition: Definition) -> bool:
    """Whether each of the VM's cards has an address already."""
    return {nic.mac.lower() for nic in definition.nics} <= {item.mac for item in found.values()}


def _own(addresses: list[Address], definition: Definition) -> list[Address]:
    """Those on the VM's own cards, without bridges inside the guest; all where none is."""
    macs = {nic.mac.lower() for nic in definition.nics}
    return [address for address in addresses if address.mac in macs] or addresses
