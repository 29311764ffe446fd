"""Consoles: a ticket first, then the guest's screen or serial line."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import Conflict, InvalidRequest, Unsupported
from castalia.hypervisor.driver import SerialStream
from castalia.model.access import Principal, Role
from castalia.model.vm import Vm
from castalia.services.audit import AuditService
from castalia.services.inventory import Inventory
from castalia.services.tickets import TicketService

KINDS = ("vnc", "serial")


@dataclass(frozen=True, kw_only=True)
class ConsoleTicket:
    """A redeemed ticket: whose it was, and for what."""

    vm: Vm
    kind: str
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class ConsoleService:
    """Opens consoles of running VMs."""

    database: Database
    inventory: Inventory
    tickets: TicketService
    audit: AuditService

    def ticket(self, ref: str, kind: str, *, principal: Principal) -> str:
        """A ticket for one connection to the console, to be used within 30 s.

        Raises Conflict when the VM is off, Unsupported when it has no such console.
        """
        principal.require(Role.OPERATOR)
        if kind not in KINDS:
            remedy = f"Choose one of: {', '.join(KINDS)}."
            raise InvalidRequest(f"There is no console {kind!r}.", field="kind", remedy=remedy)
        with self.database.read() as connection:
            vm = vm_store.find(connection, ref)
        _check_console(vm, kind)
        self.audit.record(principal, action=f"vm_console_{kind}", target=vm.name, outcome="done")
        return self.tickets.issue(vm.id, kind, principal=principal)

    def redeem(self, ticket: str, kind: str) -> ConsoleTicket:
        """Uses the ticket up. Raises Unauthenticated if it is unknown, used, too old, or for
        another kind."""
        redeemed = self.tickets.redeem(ticket, kind)
        with self.database.read() as connection:
            vm = vm_store.get(connection, redeemed.vm_id)
        return ConsoleTicket(vm=vm, kind=kind, principal=redeemed.principal)

    def check(self, ticket: ConsoleTicket) -> None:
        """Raises Unauthenticated once whoever opened the console may no longer use it."""
        self.tickets.check(ticket.principal)

    def open_graphics(self, vm: Vm) -> AbstractContextManager[int]:
        """A file descriptor connected to the VM's VNC server."""
        return self.inventory.hypervisor(vm.host_id).open_graphics(vm.uuid)

    def open_serial(self, vm: Vm, *, force: bool = False) -> SerialStream:
        """The VM's serial console; `force` takes it from whoever has it."""
        return self.inventory.hypervisor(vm.host_id).open_serial(vm.uuid, force=force)


def _check_console(vm: Vm, kind: str) -> None:
    if not vm.state.active:
        raise Conflict(
            f"{vm.name} is {vm.state}; it has no console.",
            code="vm.not-running",
            remedy=f"Start it first: castalia vm start {vm.name}",
        )
    if kind == "serial" and not vm.definition.serial_console:
        remedy = "Add a serial console to its definition, or use the graphical one."
        raise Unsupported(f"{vm.name} has no serial console.", remedy=remedy)
    if kind == "vnc" and not any(one.kind == "vnc" for one in vm.definition.graphics):
        remedy = "Add VNC graphics to its definition, or use the serial console."
        raise Unsupported(f"{vm.name} has no VNC console.", remedy=remedy)
