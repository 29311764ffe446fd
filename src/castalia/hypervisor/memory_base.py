"""The in-memory host's state, what tests can do to it, and what all its methods stand on."""

import contextlib
from collections.abc import Callable

from castalia.errors import Conflict, GuestError, InvalidRequest, NotFound
from castalia.hypervisor.device_identity import identify, same_source
from castalia.hypervisor.driver import HostSignal
from castalia.hypervisor.memory_console import MemorySerial
from castalia.hypervisor.memory_faults import Faults
from castalia.hypervisor.memory_host import MEMORY_FACTS
from castalia.hypervisor.memory_network import MemoryNetworks
from castalia.hypervisor.memory_vm import MemoryGuest, MemoryVm, with_device
from castalia.model.host import HostFacts
from castalia.model.ids import new_uuid
from castalia.model.vm import VmState


class MemoryBase:
    """One host that exists in this object only."""

    def __init__(
        self,
        *,
        facts: HostFacts = MEMORY_FACTS,
        uuid_source: Callable[[], str] = new_uuid,
    ) -> None:
        self.vms: dict[str, MemoryVm] = {}
        self.faults = Faults()
        self._facts = facts
        self._new_uuid = uuid_source
        self._networks = MemoryNetworks()
        self._connected = False
        self._watchers: list[Callable[[HostSignal], None]] = []
        self._serials: dict[str, MemorySerial] = {}
        self._samples = 0

    # --- for tests ---
    def guest(self, uuid: str) -> MemoryGuest:
        """The guest of a VM, to be told how to behave."""
        return self._vm(uuid).guest

    def lose(self, reason: str = "the host stopped answering") -> None:
        """Breaks the connection, and keeps the host away until `return_`."""
        self.faults.unreachable = reason
        self._connected = False
        self._close_serials()
        self._emit(HostSignal(kind="closed", detail=reason))

    def return_(self) -> None:
        """The host answers again; somebody has to `connect`."""
        self.faults.unreachable = ""

    def guest_powers_off(self, uuid: str) -> None:
        """The guest shuts itself down."""
        self._off(uuid, reason="shut down by the guest")

    def agent(self, uuid: str, *, connected: bool) -> None:
        """The guest's agent comes up or goes away."""
        self._vm(uuid).agent_connected = connected
        self._emit(
            HostSignal(kind="agent", uuid=uuid, detail="connected" if connected else "disconnected")
        )

    # --- inside ---
    def _vm(self, uuid: str) -> MemoryVm:
        if uuid not in self.vms:
            raise NotFound("The VM is not on this host.", code="vm.not-found")
        return self.vms[uuid]

    def _running(self, uuid: str) -> MemoryVm:
        vm = self._vm(uuid)
        if not vm.active:
            raise Conflict(
                f"{vm.name} is not running.", remedy="Start it first.", code="vm.not-running"
            )
        return vm

    def _heard(self, vm: MemoryVm, via: str) -> bool:
        """Whether the guest does what it is asked; an absent agent cannot even be asked."""
        if via == "acpi":
            return vm.guest.obeys_acpi
        if not vm.agent_connected:
            raise GuestError(f"The agent in {vm.name} does not answer.", code="guest.agent-absent")
        return vm.guest.obeys_agent

    def _set_state(self, uuid: str, state: VmState, detail: str, reason: str) -> None:
        vm = self._running(uuid)
        if vm.state is not state:
            vm.state, vm.reason = state, reason
            self._changed(uuid, detail)

    def _off(self, uuid: str, *, reason: str, saved: bool = False) -> None:
        with contextlib.suppress(KeyError):
            self._serials[uuid].close()
        self._vm(uuid).power_off(reason=reason, saved=saved)
        self._changed(uuid, "stopped")

    def _within(self, vm: MemoryVm, wanted: int, most: int, field: str, *, live: bool) -> None:
        if live and vm.active and wanted > most:
            raise InvalidRequest(
                f"The running VM can have at most {most}.",
                field=field,
                remedy="Stop the VM to raise its maximum.",
            )

    def _with_new_device(self, vm: MemoryVm, xml: str, device_xml: str) -> str:
        identity = identify(device_xml)
        found = identity.find(xml)
        if found is None:
            return with_device(xml, device_xml)
        if same_source(device_xml, found):
            return xml
        raise Conflict(f"{vm.name} has another device at {identity.key}.", code="vm.device-taken")

    def _name_must_be_free(self, name: str, uuid: str) -> None:
        if any(vm.name == name for other, vm in self.vms.items() if other != uuid):
            raise Conflict(
                "The host has a VM of that name already.",
                code="vm.name-taken",
                remedy="Choose another name.",
            )

    def _release(self, uuid: str, serial: MemorySerial) -> None:
        if self._serials.get(uuid) is serial:
            del self._serials[uuid]

    def _close_serials(self) -> None:
        for serial in list(self._serials.values()):
            serial.close()

    def _changed(self, uuid: str, detail: str) -> None:
        self._emit(HostSignal(kind="vm", uuid=uuid, detail=detail))

    def _emit(self, signal: HostSignal) -> None:
        for watcher in tuple(self._watchers):
            watcher(signal)
