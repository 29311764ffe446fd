"""Edits of a domain's network cards."""

from castalia.errors import Conflict
from castalia.libvirtxml.device_build import nic_element
from castalia.libvirtxml.domain_devices import NicDevice
from castalia.libvirtxml.domain_plan import NicPlan
from castalia.libvirtxml.domain_tree import DomainTree


def add_nic(domain: DomainTree, plan: NicPlan) -> NicDevice:
    """Adds a network card. Raises InvalidRequest, and Conflict if the MAC is taken."""
    require_free_mac(domain, plan.mac)
    return domain.nics.add(NicDevice(nic_element(plan)))


def require_free_mac(domain: DomainTree, mac: str) -> None:
    """Raises Conflict if one of the VM's cards has the MAC address."""
    if any(nic.mac.lower() == mac.lower() for nic in domain.nics):
        remedy = "Choose another address, or leave it out to get one."
        raise Conflict(f"The VM has a network card {mac} already.", field="mac", remedy=remedy)


def set_link(nic: NicDevice, *, up: bool) -> None:
    """Plugs the cable in or pulls it; a card that says nothing is plugged in."""
    if (nic.link != "down") != up:
        nic.link = "up" if up else "down"
