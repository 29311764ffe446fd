"""A VM's definition and its life: define, start, stop, pause, suspend. Every call may be repeated:
what is so already is no error."""

import libvirt

from castalia.errors import CastaliaError, Conflict
from castalia.hypervisor.driver_libvirt_base import CONFIG, LIVE, LibvirtPart
from castalia.libvirtxml.ownership import METADATA_KEY, METADATA_URI

_UNDEFINE_FLAGS = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
_NOT_SUPPORTED = frozenset(
    {
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_INVALID_ARG,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    }
)
_SHUTDOWN = {
    "agent": libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
    "acpi": libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
}
_REBOOT = {
    "agent": libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
    "acpi": libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
}


class Definitions(LibvirtPart):
    """Making, changing and forgetting definitions."""

    def define(self, xml: str) -> str:
        """Makes or replaces a VM's definition; returns its UUID."""
        with self.connection.calling("storing the VM's definition") as handle:
            uuid = str(handle.defineXML(xml).UUIDString())
        self._definitions.forget(uuid)
        return uuid

    def undefine(self, uuid: str) -> None:
        """Forgets a stopped VM; one that is already gone is no error."""
        try:
            with self._changing(uuid, "forgetting {}") as domain:
                if domain.isActive():
                    raise Conflict(f"{domain.name()} is running.", remedy="Stop it first.")
                _undefine(domain)
        except CastaliaError as error:
            if error.code != "vm.not-found":
                raise

    def rename(self, uuid: str, name: str) -> None:
        """Gives a stopped VM another name."""
        with self._changing(uuid, "renaming {}") as domain:
            if domain.name() == name:
                return
            if domain.isActive():
                raise Conflict(f"{domain.name()} is running.", remedy="Stop it first.")
            domain.rename(name, 0)

    def set_autostart(self, uuid: str, *, enabled: bool) -> None:
        """Whether the VM starts with its host."""
        with self._vm(uuid, "setting the autostart of {}") as domain:
            domain.setAutostart(int(enabled))

    def set_metadata(self, uuid: str, xml: str) -> None:
        """Stores Castalia's ownership note in the VM, running or not."""
        with self._changing(uuid, "storing the note of {}") as domain:
            flags = CONFIG if domain.isPersistent() else 0
            flags |= LIVE if domain.isActive() else 0
            domain.setMetadata(
                libvirt.VIR_DOMAIN_METADATA_ELEMENT, xml, METADATA_KEY, METADATA_URI, flags
            )


class Life(LibvirtPart):
    """Power."""

    def start(self, uuid: str, *, paused: bool = False) -> None:
        """Starts a stopped or suspended VM; one that runs already is no error."""
        with self._changing(uuid, "starting {}") as domain:
            if domain.isActive():
                return
            try:
                domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if paused else 0)
            except libvirt.libvirtError:
                if not domain.isActive():  # otherwise somebody else was quicker
                    raise

    def request_shutdown(self, uuid: str, *, via: str) -> None:
        """Asks the guest to shut down, `via` "agent" or "acpi"; returns at once."""
        with self._vm(uuid, "shutting down {}") as domain:
            if domain.isActive():
                domain.shutdownFlags(_SHUTDOWN[via])

    def stop(self, uuid: str) -> None:
        """Cuts the power; a VM that is off already is no error."""
        with self._changing(uuid, "stopping {}") as domain:
            if not domain.isActive():
                return
            try:
                domain.destroyFlags(0)
            except libvirt.libvirtError:
                if domain.isActive():  # otherwise it ended by itself meanwhile
                    raise

    def request_reboot(self, uuid: str, *, via: str) -> None:
        """Asks the guest to reboot, `via` "agent" or "acpi"."""
        with self._vm(uuid, "rebooting {}") as domain:
            _must_run(domain)
            domain.reboot(_REBOOT[via])

    def reset(self, uuid: str) -> None:
        """Presses the reset button."""
        with self._vm(uuid, "resetting {}") as domain:
            _must_run(domain)
            domain.reset(0)

    def pause(self, uuid: str) -> None:
        """Stops the VM's CPUs; memory stays. One that is paused already is no error."""
        with self._vm(uuid, "pausing {}") as domain:
            _must_run(domain)
            if domain.state(0)[0] != libvirt.VIR_DOMAIN_PAUSED:
                domain.suspend()

    def resume(self, uuid: str) -> None:
        """Lets a paused VM run on, and wakes one that put itself to sleep."""
        with self._vm(uuid, "resuming {}") as domain:
            _must_run(domain)
            state = domain.state(0)[0]
            if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
                domain.pMWakeup(0)
            elif state == libvirt.VIR_DOMAIN_PAUSED:
                domain.resume()

    def suspend(self, uuid: str) -> None:
        """Saves the VM's memory to the host's disk and stops it."""
        with self._changing(uuid, "suspending {}") as domain:
            if not domain.isActive() and domain.hasManagedSaveImage(0):
                return
            _must_run(domain)
            domain.managedSave(0)

    def discard_suspended(self, uuid: str) -> None:
        """Throws a saved memory away, so that the next start is a cold one."""
        with self._changing(uuid, "discarding the saved memory of {}") as domain:
            if domain.hasManagedSaveImage(0):
                domain.managedSaveRemove(0)


def _must_run(domain: libvirt.virDomain) -> None:
    if not domain.isActive():
        raise Conflict(
            f"{domain.name()} is not running.", remedy="Start it first.", code="vm.not-running"
        )


def _undefine(domain: libvirt.virDomain) -> None:
    """Undefines with everything that libvirt keeps beside; drivers that know fewer flags get
    fewer."""
    if not domain.isPersistent():
        return
    for flags in (_UNDEFINE_FLAGS, libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE):
        try:
            domain.undefineFlags(flags)
        except libvirt.libvirtError as error:
            if error.get_error_code() not in _NOT_SUPPORTED:
                raise
        else:
            return
    domain.undefine()
