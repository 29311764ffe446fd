"""What can be seen of VMs, and what can be asked of a running one without a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from castalia.db import vm_list
from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import Conflict, InvalidRequest
from castalia.hypervisor.driver import ExecResult
from castalia.model.access import Principal, Role
from castalia.model.keys import keycodes
from castalia.model.page import Page, PageRequest
from castalia.model.storage import Volume
from castalia.model.vm import Address, Vm
from castalia.services.audit import AuditService
from castalia.services.inventory import Inventory
from castalia.services.picture import PNG, as_png
from castalia.services.storage import StorageService

_MAX_ARGUMENTS = 256
_MAX_EXEC_S = 600.0


@dataclass(frozen=True, kw_only=True)
class VmService:
    """Reads VMs. Lists come from the database; only what the name says asks a host."""

    database: Database
    inventory: Inventory
    storage: StorageService
    audit: AuditService

    def list(self, page: PageRequest, *, principal: Principal) -> Page[Vm]:
        """A page of VMs; see PageRequest for filter and sort."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return vm_list.page(connection, page)

    def get(self, ref: str, *, principal: Principal) -> Vm:
        """The VM with that id, unique name, or `host/name`."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return vm_store.find(connection, ref)

    def many(self, ids: Sequence[str], *, principal: Principal) -> Sequence[Vm]:
        """The VMs with these ids; unknown ones are left out."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return vm_store.many(connection, ids)

    def facets(self, *, principal: Principal) -> dict[str, int]:
        """How many VMs are in each state."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return {str(k): n for k, n in vm_store.count_by_state(connection).items()}

    def volumes(self, ref: str, *, principal: Principal) -> dict[str, Volume]:
        """The known volumes behind a VM's disks, by the disks' targets."""
        vm = self.get(ref, principal=principal)
        return self.storage.behind(vm)

    def xml(self, ref: str, *, live: bool = False, principal: Principal) -> str:
        """The definition as the host has it: for the next start, or, `live`, of the running VM."""
        vm = self.get(ref, principal=principal)
        return self.inventory.hypervisor(vm.host_id).xml(vm.uuid, inactive=not live)

    def screenshot(self, ref: str, *, principal: Principal) -> tuple[bytes, str]:
        """A picture of the VM's screen and its MIME type, which is PNG's."""
        vm = self._running(ref, principal)
        picture, mime = self.inventory.hypervisor(vm.host_id).screenshot(vm.uuid)
        return as_png(picture, mime), PNG

    def addresses(self, ref: str, *, principal: Principal) -> tuple[Address, ...]:
        """The VM's addresses, asked of its host now."""
        vm = self.get(ref, principal=principal)
        if not vm.state.active:
            return ()
        found = tuple(self.inventory.hypervisor(vm.host_id).addresses(vm.uuid))
        self.inventory.store_addresses({vm.id: found})
        return found

    def exec(
        self,
        ref: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float = 30.0,
        principal: Principal,
    ) -> ExecResult:
        """Runs a command in the guest through its agent and returns what it left behind.

        Raises GuestError without an agent, or when the command runs longer than `timeout_s`
        seconds.
        """
        principal.require(Role.OPERATOR)
        if not argv or len(argv) > _MAX_ARGUMENTS or not argv[0]:
            remedy = "Give the program first, then its arguments."
            raise InvalidRequest("There is no command to run.", field="argv", remedy=remedy)
        if not 0 < timeout_s <= _MAX_EXEC_S:
            remedy = f"Choose at most {_MAX_EXEC_S:g} seconds."
            raise InvalidRequest("The time is no usable one.", field="timeout_s", remedy=remedy)
        vm = self._running(ref, principal)
        driver = self.inventory.hypervisor(vm.host_id)
        result = driver.guest_exec(vm.uuid, [*argv], stdin=stdin, timeout_s=timeout_s)
        detail = f"{argv[0]} ended with {result.exit_code}"
        self.audit.record(
            principal, action="vm_exec", target=vm.name, outcome="done", detail=detail
        )
        return result

    def send_keys(self, ref: str, keys: Sequence[str], *, principal: Principal) -> None:
        """Presses keys together, named as on a keyboard (`ctrl`, `alt`, `delete`)."""
        principal.require(Role.OPERATOR)
        codes = keycodes([*keys])
        vm = self._running(ref, principal)
        self.inventory.hypervisor(vm.host_id).send_keys(vm.uuid, codes)
        self.audit.record(
            principal, action="vm_send_keys", target=vm.name, outcome="done", detail="+".join(keys)
        )

    def _running(self, ref: str, principal: Principal) -> Vm:
        vm = self.get(ref, principal=principal)
        if not vm.state.active:
            raise Conflict(
                f"{vm.name} is {vm.state}, not running.",
                code="vm.not-running",
                remedy=f"Start it first: castalia vm start {vm.name}",
            )
        return vm
