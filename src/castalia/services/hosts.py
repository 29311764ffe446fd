"""Hosts: add, look at, edit, probe, remove."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from castalia.db import hosts as host_store
from castalia.db.database import Database
from castalia.errors import NotFound
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.host import Host, HostChange, HostEdit
from castalia.model.ids import new_id
from castalia.model.job import Job
from castalia.model.names import checked_name, checked_tag
from castalia.model.page import Page, PageRequest
from castalia.model.plan import Check, Plan
from castalia.services.audit import AuditService
from castalia.services.checks import blocked, host_up, ok, warning
from castalia.services.host_address import checked_address
from castalia.services.inventory import Inventory
from castalia.services.submission import Submission


@dataclass(frozen=True, kw_only=True)
class HostService:
    """Everything about hosts."""

    database: Database
    inventory: Inventory
    submission: Submission
    audit: AuditService

    def list(self, page: PageRequest, *, principal: Principal) -> Page[Host]:
        """A page of hosts."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return host_store.page(connection, page)

    def get(self, ref: str, *, principal: Principal) -> Host:
        """The host with that id or name."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return host_store.find(connection, ref)

    def many(self, ids: Sequence[str], *, principal: Principal) -> Sequence[Host]:
        """The hosts with these ids; unknown ones are left out."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return host_store.many(connection, ids)

    def add(self, change: HostChange, *, principal: Principal) -> Job:
        """Enqueues the registration of a host.

        Raises InvalidRequest for a URI or name that cannot be right, Conflict if the host is
        managed already.
        """
        principal.require(Role.ADMIN)
        change = _checked(change)
        plan = self._plan_add(change)
        request = JobRequest(
            kind="host_add",
            title=plan.title,
            args={
                "id": new_id(),
                "name": change.name,
                "uri": change.uri,
                "description": change.description,
                "tags": list(change.tags),
                "user": principal.user_name,
            },
            resources=(Resource(name=f"host-uri:{change.uri}", label=change.uri),),
            target_name=change.name,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan_add(self, change: HostChange, *, principal: Principal) -> Plan:
        """What `add` would do."""
        principal.require(Role.ADMIN)
        return self._plan_add(_checked(change))

    def edit(
        self,
        ref: str,
        edit: HostEdit,
        *,
        expected_revision: int | None = None,
        principal: Principal,
    ) -> Host:
        """Changes name, description or tags. Raises EditConflict if the host was changed
        meanwhile."""
        principal.require(Role.ADMIN)
        if edit.name is not None:
            checked_name(edit.name)
        with self.database.write() as connection:
            host = host_store.find(connection, ref)
            host = host_store.update(
                connection,
                host.id,
                expected_revision=expected_revision,
                name=host.name if edit.name is None else edit.name,
                description=host.description if edit.description is None else edit.description,
                tags=host.tags
                if edit.tags is None
                else tuple(checked_tag(tag) for tag in edit.tags),
            )
        self.inventory.renamed(host)
        self.audit.record(principal, action="host_edit", target=host.name, outcome="done")
        return host

    def remove(self, ref: str, *, principal: Principal) -> Job:
        """Enqueues forgetting a host. Its VMs run on."""
        principal.require(Role.ADMIN)
        host = self._find(ref)
        return self._submit_on(host, "host_remove", _plan_remove(host), principal)

    def plan_remove(self, ref: str, *, principal: Principal) -> Plan:
        """What `remove` would do."""
        principal.require(Role.ADMIN)
        return _plan_remove(self._find(ref))

    def probe(self, ref: str, *, principal: Principal) -> Job:
        """Enqueues measuring the accelerator again."""
        principal.require(Role.ADMIN)
        host = self._find(ref)
        return self._submit_on(host, "host_probe", _plan_probe(host), principal)

    def plan_probe(self, ref: str, *, principal: Principal) -> Plan:
        """What `probe` would do."""
        principal.require(Role.ADMIN)
        return _plan_probe(self._find(ref))

    def reconnect(self, ref: str, *, principal: Principal) -> Host:
        """Tries an unreachable host again now."""
        principal.require(Role.OPERATOR)
        host = self._find(ref)
        self.inventory.reconnect(host.id)
        return host

    def _find(self, ref: str) -> Host:
        with self.database.read() as connection:
            return host_store.find(connection, ref)

    def _submit_on(self, host: Host, kind: str, plan: Plan, principal: Principal) -> Job:
        request = JobRequest(
            kind=kind,
            title=plan.title,
            args={"host": host.id, "name": host.name, "user": principal.user_name},
            resources=(Resource(name=f"host:{host.id}", label=f"host {host.name}"),),
            target=f"host:{host.id}",
            target_name=host.name,
            host_id=host.id,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def _plan_add(self, change: HostChange) -> Plan:
        return Plan(
            title=f"Add host {change.name}",
            checks=(self._name_check(change), self._uri_check(change), *_transport(change.uri)),
            steps=(
                f"connect to {change.uri}",
                "measure its accelerator",
                "adopt the VMs it has, as they are",
                "make a repository and a NAT network called default, if it has none",
            ),
        )

    def _name_check(self, change: HostChange) -> Check:
        if self._exists(change.name):
            return blocked(
                "name",
                f"There is a host {change.name} already.",
                remedy="Give it another name: castalia host add URI --name NAME",
                code="host.name-taken",
                field="name",
            )
        return ok("name", "The name is free.")

    def _exists(self, name: str) -> bool:
        try:
            self._find(name)
        except NotFound:
            return False
        return True

    def _uri_check(self, change: HostChange) -> Check:
        with self.database.read() as connection:
            taken = [host for host in host_store.every(connection) if host.uri == change.uri]
        if taken:
            return blocked(
                "uri",
                f"{change.uri} is managed already, as {taken[0].name}.",
                remedy=f"Look at it: castalia host show {taken[0].name}",
                code="host.exists",
                field="uri",
            )
        return ok("uri", f"{change.uri} is not managed yet.")


def _checked(change: HostChange) -> HostChange:
    parts = checked_address(change.uri)
    name = change.name or parts.hostname or socket.gethostname().partition(".")[0]
    return HostChange(
        name=checked_name(name),
        uri=change.uri,
        description=change.description,
        tags=tuple(checked_tag(tag) for tag in change.tags),
    )


def _transport(uri: str) -> list[Check]:
    if urlsplit(uri).path.endswith("session"):
        return [
            warning(
                "session",
                "A session connection has user-mode networking only: guests reach out, nobody "
                "reaches them.",
                remedy="Use qemu:///system where you may.",
            )
        ]
    return []


def _plan_remove(host: Host) -> Plan:
    return Plan(
        title=f"Remove host {host.name}",
        checks=(ok("vms", f"{host.vm_count} VMs are forgotten; {host.running_count} run on."),),
        steps=("stop watching it", "forget its VMs, repositories and networks; touch nothing"),
    )


def _plan_probe(host: Host) -> Plan:
    return Plan(
        title=f"Measure the accelerator of {host.name}",
        checks=(host_up(host),),
        steps=("run a firmware-sized guest with KVM and with emulation, at most 2 s each",),
    )
