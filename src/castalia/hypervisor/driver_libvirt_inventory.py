"""Which VMs a host has, and what each is made of. A few bulk calls, whatever their number."""

import libvirt

from castalia.errors import CastaliaError
from castalia.hypervisor.definition_cache import KnownDefinition, known_from
from castalia.hypervisor.driver import HostSnapshot
from castalia.hypervisor.driver_libvirt_base import LibvirtPart
from castalia.hypervisor.vm_state import is_active, state_reason, vm_state
from castalia.model.vm import VmFacts

_SECURE = libvirt.VIR_DOMAIN_XML_SECURE
_INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE

State = tuple[int, int]


class Inventory(LibvirtPart):
    """Reading VMs."""

    def snapshot(self) -> HostSnapshot:
        """Every VM on the host with its definition and state."""
        with self.connection.calling("listing the VMs") as handle:
            domains = [
                row for row in _states(handle) if not self._relay.is_hidden(row[0].UUIDString())
            ]
            flags = {
                "autostart": _uuids(handle, libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART),
                "persistent": _uuids(handle, libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT),
                "saved": _uuids(handle, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
            }
        self._definitions.keep_only({domain.UUIDString() for domain, _ in domains})
        found = []
        for domain, state in domains:
            uuid = domain.UUIDString()
            has = {name: uuid in uuids for name, uuids in flags.items()}
            if facts := self._facts_unless_gone(domain, state, **has):
                found.append(facts)
        return HostSnapshot(vms=tuple(found))

    def vm(self, uuid: str) -> VmFacts:
        """One VM."""
        with self._vm(uuid, "reading {}") as domain:
            state, reason = domain.state(0)
            return self._facts(
                domain,
                (state, reason),
                autostart=bool(domain.autostart()),
                persistent=bool(domain.isPersistent()),
                saved=_has_saved_memory(domain),
            )

    def xml(self, uuid: str, *, inactive: bool = True) -> str:
        """A VM's definition: what it boots with next (`inactive`; with console passwords, so that
        it can be defined again), or what it runs with now (without them)."""
        with self._vm(uuid, "reading the definition of {}") as domain:
            return str(domain.XMLDesc(_INACTIVE | _SECURE if inactive else 0))

    def _running(self, domain: libvirt.virDomain) -> KnownDefinition:
        """What a running VM is made of, without asking where it is known already."""
        return self._definitions.get(
            domain.UUIDString(),
            active=True,
            read=lambda: _read(domain, active=True, persistent=bool(domain.isPersistent())),
        )

    def _facts_unless_gone(
        self, domain: libvirt.virDomain, state: State, **has: bool
    ) -> VmFacts | None:
        try:
            with self.connection.calling(f"reading {domain.name()}"):
                return self._facts(domain, state, **has)
        except CastaliaError as error:
            if error.code == "vm.not-found":  # it went away since the list was read
                return None
            raise

    def _facts(
        self,
        domain: libvirt.virDomain,
        state: State,
        *,
        autostart: bool,
        persistent: bool,
        saved: bool,
    ) -> VmFacts:
        active = is_active(state[0])
        known = self._definitions.get(
            domain.UUIDString(),
            active=active,
            read=lambda: _read(domain, active=active, persistent=persistent),
        )
        return VmFacts(
            definition=known.definition,
            next_definition=known.next_definition,
            state=vm_state(*state, saved=saved),
            state_reason=state_reason(*state),
            autostart=autostart,
            persistent=persistent,
            agent_connected=known.agent_connected,
            saved=saved,
            ownership=known.ownership,
        )


def _read(domain: libvirt.virDomain, *, active: bool, persistent: bool) -> KnownDefinition:
    stored = str(domain.XMLDesc(_INACTIVE)) if active and persistent else None
    return known_from(str(domain.XMLDesc(0)), active=active, next_xml=stored)


def _states(handle: libvirt.virConnect) -> list[tuple[libvirt.virDomain, State]]:
    """Every VM with its state, from one call where the hypervisor has one."""
    try:
        rows = handle.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return [(domain, tuple(domain.state(0))) for domain in handle.listAllDomains(0)]
    return [(domain, (row["state.state"], row["state.reason"])) for domain, row in rows]


def _uuids(handle: libvirt.virConnect, flag: int) -> frozenset[str]:
    return frozenset(domain.UUIDString() for domain in handle.listAllDomains(flag))


def _has_saved_memory(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.hasManagedSaveImage(0))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return False
