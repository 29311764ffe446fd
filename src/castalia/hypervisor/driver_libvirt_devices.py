"""Adding, taking away and changing a VM's hardware, running or not."""

import time

import libvirt

from castalia.errors import Conflict, GuestError, HostUnreachable, InvalidRequest
from castalia.hypervisor.device_identity import DeviceIdentity, identify, same_source
from castalia.hypervisor.driver import HostSignal
from castalia.hypervisor.driver_libvirt_base import CONFIG, LIVE, LibvirtPart, scopes
from castalia.hypervisor.expectation import Expectation
from castalia.hypervisor.libvirt_errors import meaning_of
from castalia.libvirtxml.domain import Domain

DETACH_S = 20.0
_KIB_PER_MIB = 1024
_GUEST_VCPUS = LIVE | libvirt.VIR_DOMAIN_VCPU_GUEST
_SIGHTING_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
_UNPLUG_UNDER_WAY = "already in the process of unplug"


class Devices(LibvirtPart):
    """Disks, network cards and other devices."""

    def attach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Adds a device to the definition and, when `live`, to the running VM; one that is there
        with the same source is no error. Raises Conflict if its place is taken."""
        identity = identify(device_xml)
        with self._changing(uuid, "adding a device to {}") as domain:
            missing = [
                scope
                for scope in scopes(domain, live=live)
                if not _is_there(domain, scope, identity, device_xml)
            ]
            if missing:
                domain.attachDeviceFlags(device_xml, sum(missing))

    def detach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Takes a device away; returns once the guest has let it go. One that is gone is no error.
        The stored definition keeps it as long as the guest holds it."""
        identity = identify(device_xml)
        with self._changing(uuid, "taking a device from {}") as domain:
            for scope in scopes(domain, live=live):
                if identity.key and identity.find(_xml_of(domain, scope)) is None:
                    continue
                if scope == LIVE:
                    self._unplug(domain, device_xml, identity)
                else:
                    domain.detachDeviceFlags(device_xml, CONFIG)

    def update_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        """Changes a device that is there: another medium, a link up or down, a password."""
        with self._changing(uuid, "changing a device of {}") as domain:
            domain.updateDeviceFlags(device_xml, sum(scopes(domain, live=live)))

    def resize_block(self, uuid: str, target: str, size_bytes: int) -> None:
        """Grows the disk `target` of a running VM, its image included."""
        with self._vm(uuid, "growing a disk of {}") as domain:
            domain.blockResize(target, size_bytes, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)

    def _unplug(self, domain: libvirt.virDomain, device_xml: str, identity: DeviceIdentity) -> None:
        """Asks the guest to let a device go, and waits until it has."""
        uuid = domain.UUIDString()
        found = identity.find(_xml_of(domain, LIVE))
        alias = found.alias if found is not None else ""
        with Expectation(self._relay, lambda signal: _ends_unplug(signal, uuid, alias)) as ended:
            try:
                domain.detachDeviceFlags(device_xml, LIVE)
            except libvirt.libvirtError as error:
                if _UNPLUG_UNDER_WAY not in str(error):  # asked for before: wait on
                    raise
            signal = ended.wait(timeout_s=DETACH_S)
        if signal is not None and signal.kind == "closed":
            raise HostUnreachable("The connection broke while the guest was letting a device go.")
        if signal is not None and signal.detail.startswith(("device-removed", "stopped")):
            return
        if signal is None and identity.key and identity.find(_xml_of(domain, LIVE)) is None:
            return
        raise GuestError(
            f"The guest of {domain.name()} did not let the device go.",
            code="guest.device-kept",
            remedy="Unmount or stop using it in the guest and try again, or stop the VM first.",
        )


class Sizing(LibvirtPart):
    """vCPUs and memory."""

    def set_vcpus(self, uuid: str, vcpus: int, *, live: bool) -> None:
        """Sets the number of vCPUs; when `live`, more are plugged in, fewer are taken offline in
        the guest through its agent. Raises InvalidRequest beyond the VM's maximum."""
        with self._changing(uuid, "setting the vCPUs of {}") as domain:
            for scope in scopes(domain, live=live):
                if scope == LIVE:
                    self._set_live_vcpus(domain, vcpus)
                else:
                    _set_stored_vcpus(domain, vcpus, cold=not domain.isActive())

    def set_memory(self, uuid: str, memory_mib: int, *, live: bool) -> None:
        """Sets the memory target in MiB; when `live`, by the balloon, at most the VM's maximum."""
        wanted_kib = memory_mib * _KIB_PER_MIB
        with self._changing(uuid, "setting the memory of {}") as domain:
            for scope in scopes(domain, live=live):
                if scope == LIVE and wanted_kib > domain.maxMemory():
                    raise _beyond("memory", f"{domain.maxMemory() // _KIB_PER_MIB} MiB of memory")
                if scope == CONFIG and wanted_kib > _stored_maximum_kib(domain):
                    domain.setMemoryFlags(wanted_kib, CONFIG | libvirt.VIR_DOMAIN_MEM_MAXIMUM)
                domain.setMemoryFlags(wanted_kib, scope)

    def _set_live_vcpus(self, domain: libvirt.virDomain, vcpus: int) -> None:
        plugged = domain.vcpusFlags(LIVE)
        most = domain.vcpusFlags(LIVE | libvirt.VIR_DOMAIN_VCPU_MAXIMUM)
        if vcpus > most:
            raise _beyond("vcpus", f"{most} vCPUs")
        if vcpus > plugged:
            domain.setVcpusFlags(vcpus, LIVE)
            _bring_online(domain, vcpus)
        else:
            # Never unplugged: QEMU aborts on the next plug. The guest idles them instead.
            _set_guest_vcpus(domain, vcpus, plugged=plugged)


def _set_guest_vcpus(domain: libvirt.virDomain, vcpus: int, *, plugged: int) -> None:
    try:
        domain.setVcpusFlags(vcpus, _GUEST_VCPUS)
    except libvirt.libvirtError:
        if vcpus < plugged:
            raise
        # All that are plugged in is what a guest without an agent uses anyway.


def _bring_online(domain: libvirt.virDomain, vcpus: int) -> None:
    """Has the agent use new vCPUs, which the guest sees a moment after they were plugged in.
    Without an agent the guest takes them online by itself, or its administrator does."""
    for pause_s in _SIGHTING_PAUSES_S:
        try:
            domain.setVcpusFlags(vcpus, _GUEST_VCPUS)
        except libvirt.libvirtError as error:
            if meaning_of(error).error is GuestError:
                return
            time.sleep(pause_s)
        else:
            return


def _set_stored_vcpus(domain: libvirt.virDomain, vcpus: int, *, cold: bool) -> None:
    maximum = CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM
    if vcpus > domain.vcpusFlags(maximum):
        if not cold:
            raise _beyond("vcpus", f"{domain.vcpusFlags(maximum)} vCPUs")
        domain.setVcpusFlags(vcpus, maximum)
    domain.setVcpusFlags(vcpus, CONFIG)


def _stored_maximum_kib(domain: libvirt.virDomain) -> int:
    return Domain(domain.XMLDesc(_INACTIVE)).memory_mib * _KIB_PER_MIB


def _beyond(field: str, most: str) -> InvalidRequest:
    return InvalidRequest(
        f"The running VM can have at most {most}.",
        field=field,
        remedy="Stop the VM to raise its maximum.",
    )


def _xml_of(domain: libvirt.virDomain, scope: int) -> str:
    return str(domain.XMLDesc(0 if scope == LIVE else _INACTIVE))


def _is_there(
    domain: libvirt.virDomain, scope: int, identity: DeviceIdentity, device_xml: str
) -> bool:
    found = identity.find(_xml_of(domain, scope))
    if found is None:
        return False
    if same_source(device_xml, found):
        return True
    raise Conflict(
        f"{domain.name()} has another device at {identity.key}.",
        code="vm.device-taken",
        remedy="Take that one away first, or choose another place.",
    )


def _ends_unplug(signal: HostSignal, uuid: str, alias: str) -> bool:
    if signal.kind == "closed":
        return True
    kind, _, about = signal.detail.partition(":")
    if signal.kind != "vm" or signal.uuid != uuid:
        return False
    about_it = kind in {"device-removed", "device-kept"} and alias in {"", about}
    return about_it or kind == "stopped"
