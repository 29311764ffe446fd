"""A host in memory: the whole driver without a hypervisor, for tests of whatever is above it.

It is deterministic. Signals are delivered within the call that causes them, on its thread. Tests
reach `vms`, `guest(uuid)` and `faults` to make things happen.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from castalia.errors import Conflict, GuestError, InvalidRequest, NotFound
from castalia.hypervisor.device_identity import identify
from castalia.hypervisor.driver import ExecResult, HostSignal, HostSnapshot
from castalia.hypervisor.guest_agent import MAX_OUTPUT_BYTES
from castalia.hypervisor.memory_base import MemoryBase
from castalia.hypervisor.memory_console import PICTURE, MemorySerial, greeting_screen
from castalia.hypervisor.memory_faults import answered, away
from castalia.hypervisor.memory_host import host_counters, vm_counters
from castalia.hypervisor.memory_vm import (
    MemoryVm,
    cut,
    with_device,
    with_memory,
    with_name,
    with_note,
    with_uuid,
    with_vcpus,
    without_device,
)
from castalia.model.host import HostFacts
from castalia.model.metric import HostCounters, VmCounters
from castalia.model.network import Lease, NetworkFacts, NetworkSpec
from castalia.model.vm import Address, AddressSource, VmFacts, VmState


class MemoryDriver(MemoryBase):
    """The driver's methods; what each does is said in the protocol."""

    # --- the host itself ---
    def connect(self) -> None:
        self.faults.enter("connect")
        if self.faults.unreachable:
            raise away(self.faults)
        self._connected = True

    def close(self) -> None:
        self._connected = False
        self._close_serials()

    @property
    def connected(self) -> bool:
        return self._connected

    def watch(self, callback: Callable[[HostSignal], None]) -> None:
        self._watchers.append(callback)

    @answered
    def facts(self) -> HostFacts:
        return self._facts

    @answered
    def counters(self) -> HostCounters:
        self._samples += 1
        return host_counters(self._facts, self.vms, sample=self._samples)

    # --- inventory ---
    @answered
    def snapshot(self) -> HostSnapshot:
        return HostSnapshot(vms=tuple(vm.facts() for vm in self.vms.values()))

    @answered
    def vm(self, uuid: str) -> VmFacts:
        return self._vm(uuid).facts()

    @answered
    def vm_counters(self) -> list[VmCounters]:
        self._samples += 1
        return vm_counters(self.vms, sample=self._samples)

    @answered
    def xml(self, uuid: str, *, inactive: bool = True) -> str:
        vm = self._vm(uuid)
        return vm.stored if inactive or not vm.active else vm.running

    @answered
    def addresses(self, uuid: str) -> list[Address]:
        vm = self._vm(uuid)
        if not vm.active:
            return []
        source = AddressSource.AGENT if vm.agent_connected else AddressSource.LEASE
        leases = [
            self._networks.ask(nic.network, mac=nic.mac.lower(), hostname=vm.name)
            for nic in vm.definition.nics
        ]
        return [
            Address(ip=lease.ip, prefix=lease.prefix, mac=lease.mac, source=source)
            for lease in leases
            if lease
        ]

    # --- definitions ---
    @answered
    def define(self, xml: str) -> str:
        xml = with_uuid(xml, self._new_uuid())
        vm = MemoryVm(stored=xml)
        uuid = vm.definition.uuid
        self._name_must_be_free(vm.name, uuid)
        if uuid in self.vms:
            self.vms[uuid].stored = xml
        else:
            self.vms[uuid] = vm
        self._changed(uuid, "defined")
        return uuid

    @answered
    def undefine(self, uuid: str) -> None:
        vm = self.vms.get(uuid)
        if vm is None:
            return
        if vm.active:
            raise Conflict(f"{vm.name} is running.", remedy="Stop it first.")
        del self.vms[uuid]
        self._emit(HostSignal(kind="vm-gone", uuid=uuid))

    @answered
    def rename(self, uuid: str, name: str) -> None:
        vm = self._vm(uuid)
        if vm.name == name:
            return
        if vm.active:
            raise Conflict(f"{vm.name} is running.", remedy="Stop it first.")
        self._name_must_be_free(name, uuid)
        vm.stored = with_name(vm.stored, name)
        self._changed(uuid, "defined")

    @answered
    def set_autostart(self, uuid: str, *, enabled: bool) -> None:
        self._vm(uuid).autostart = enabled

    @answered
    def set_metadata(self, uuid: str, xml: str) -> None:
        self._vm(uuid).edit(lambda definition: with_note(definition, xml), live=True)
        self._changed(uuid, "metadata")

    # --- life ---
    @answered
    def start(self, uuid: str, *, paused: bool = False) -> None:
        vm = self._vm(uuid)
        if vm.active:
            return
        for nic in vm.definition.nics:
            if nic.kind == "network" and not self._networks.has(nic.network):
                raise NotFound(
                    f"Starting {vm.name} failed: the host has no such network.",
                    code="network.not-found",
                )
        vm.power_on(paused=paused)
        self._changed(uuid, "started")
        if vm.agent_connected:
            self.agent(uuid, connected=True)

    @answered
    def request_shutdown(self, uuid: str, *, via: str) -> None:
        vm = self._vm(uuid)
        if vm.active and self._heard(vm, via):
            self._off(uuid, reason="shut down by the guest")

    @answered
    def stop(self, uuid: str) -> None:
        if self._vm(uuid).active:
            self._off(uuid, reason="its power was cut")

    @answered
    def request_reboot(self, uuid: str, *, via: str) -> None:
        if self._heard(self._running(uuid), via):
            self._changed(uuid, "rebooted")

    @answered
    def reset(self, uuid: str) -> None:
        self._running(uuid)
        self._changed(uuid, "rebooted")

    @answered
    def pause(self, uuid: str) -> None:
        self._set_state(uuid, VmState.PAUSED, "paused", "paused by a user")

    @answered
    def resume(self, uuid: str) -> None:
        self._set_state(uuid, VmState.RUNNING, "resumed", "")

    @answered
    def suspend(self, uuid: str) -> None:
        if not self._vm(uuid).saved:
            self._running(uuid)
            self._off(uuid, reason="suspended to disk", saved=True)

    @answered
    def discard_suspended(self, uuid: str) -> None:
        vm = self._vm(uuid)
        if vm.saved:
            vm.power_off(reason="")

    # --- devices ---
    @answered
    def attach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        vm = self._vm(uuid)
        vm.edit(lambda xml: self._with_new_device(vm, xml, device_xml), live=live)
        self._changed(uuid, "device-added:device")

    @answered
    def detach_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        vm = self._vm(uuid)
        if live and vm.active and not vm.guest.lets_devices_go:
            raise GuestError(
                f"The guest of {vm.name} did not let the device go.", code="guest.device-kept"
            )
        vm.edit(lambda xml: without_device(xml, device_xml), live=live)
        self._changed(uuid, "device-removed:device")

    @answered
    def update_device(self, uuid: str, device_xml: str, *, live: bool) -> None:
        vm = self._vm(uuid)
        if identify(device_xml).key and identify(device_xml).find(vm.stored) is None:
            raise NotFound(f"{vm.name} has no such device.", code="vm.device-not-found")
        vm.edit(lambda xml: with_device(without_device(xml, device_xml), device_xml), live=live)
        self._changed(uuid, "medium:device")

    @answered
    def set_vcpus(self, uuid: str, vcpus: int, *, live: bool) -> None:
        vm = self._vm(uuid)
        self._within(vm, vcpus, vm.definition.max_vcpus, "vcpus", live=live)
        if live and vm.active and vcpus < vm.definition.vcpus:
            self._heard(vm, "agent")
        vm.edit(lambda xml: with_vcpus(xml, vcpus), live=live)
        self._changed(uuid, "defined")

    @answered
    def set_memory(self, uuid: str, memory_mib: int, *, live: bool) -> None:
        vm = self._vm(uuid)
        self._within(vm, memory_mib, vm.definition.max_memory_mib, "memory", live=live)
        vm.edit(lambda xml: with_memory(xml, memory_mib), live=live)
        self._changed(uuid, "memory")

    @answered
    def resize_block(self, uuid: str, target: str, size_bytes: int) -> None:  # noqa: ARG002 -- sizes are the storage's
        vm = self._running(uuid)
        if target not in {disk.target for disk in vm.definition.disks}:
            raise NotFound(f"{vm.name} has no disk {target}.", code="vm.device-not-found")

    # --- guest and console ---
    @answered
    def guest_exec(
        self,
        uuid: str,
        argv: list[str],
        *,
        stdin: bytes = b"",
        timeout_s: float = 30,  # noqa: ARG002 -- ends at once
    ) -> ExecResult:
        vm = self._running(uuid)
        self._heard(vm, "agent")
        return cut(vm.guest.program(argv, stdin), limit_bytes=MAX_OUTPUT_BYTES)

    @answered
    def agent_ready(self, uuid: str) -> bool:
        return self._vm(uuid).agent_connected

    @answered
    def send_keys(self, uuid: str, keycodes: list[int], *, hold_ms: int = 50) -> None:  # noqa: ARG002 -- no time passes
        if not keycodes:
            raise InvalidRequest("Press at least one key.", field="keys")
        self._running(uuid).guest.keys.append(keycodes)

    @answered
    def screenshot(self, uuid: str) -> tuple[bytes, str]:
        self._running(uuid)
        return PICTURE, "image/x-portable-pixmap"

    @answered
    def open_graphics(self, uuid: str) -> AbstractContextManager[int]:
        self._running(uuid)
        return greeting_screen()

    @answered
    def open_serial(self, uuid: str, *, force: bool = False) -> MemorySerial:
        self._running(uuid)
        if (holder := self._serials.get(uuid)) and not force:
            raise Conflict("Somebody else has this console open.", code="console.taken")
        if holder:
            holder.close()
        serial = MemorySerial(on_close=lambda: self._release(uuid, serial))
        self._serials[uuid] = serial
        return serial

    # --- networks ---
    @answered
    def networks(self) -> list[NetworkFacts]:
        return self._networks.every()

    @answered
    def define_network(self, spec: NetworkSpec) -> NetworkFacts:
        facts = self._networks.define(spec)
        self._emit(HostSignal(kind="network", uuid=facts.uuid, detail=spec.name))
        return facts

    @answered
    def remove_network(self, name: str) -> None:
        if self._networks.remove(name):
            self._emit(HostSignal(kind="network", detail=name))

    @answered
    def leases(self, network: str) -> list[Lease]:
        if not self._networks.has(network):
            raise NotFound("The host has no such network.", code="network.not-found")
        return self._networks.leases(network)
