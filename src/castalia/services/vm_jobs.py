"""What jobs on one VM have in common."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from castalia.db import hosts as host_store
from castalia.db import vms as vm_store
from castalia.db.database import Database
from castalia.errors import EditConflict
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal
from castalia.model.host import Host
from castalia.model.plan import Check
from castalia.model.vm import Vm, VmState
from castalia.services.checks import blocked, host_up


@dataclass(frozen=True, kw_only=True)
class VmOnHost:
    """A VM and where it is."""

    vm: Vm
    host: Host


def found(database: Database, ref: str) -> VmOnHost:
    """The VM that `ref` names, with its host."""
    with database.read() as connection:
        vm = vm_store.find(connection, ref)
        return VmOnHost(vm=vm, host=host_store.get(connection, vm.host_id))


def common_checks(place: VmOnHost) -> list[Check]:
    """What every change of a VM needs: a reachable host, and that no other job is making the VM."""
    checks = [host_up(place.host)]
    if place.vm.state is VmState.CREATING:
        checks.append(
            blocked(
                "state",
                f"{place.vm.name} is still being created.",
                remedy="Wait until its job has ended.",
                code="vm.creating",
            )
        )
    return checks


def vm_request(
    kind: str,
    title: str,
    place: VmOnHost,
    *,
    principal: Principal,
    host_limit: int,
    args: dict[str, Any],
) -> JobRequest:
    """A job that holds the VM alone and takes one of its host's places."""
    vm, host = place.vm, place.host
    return JobRequest(
        kind=kind,
        title=title,
        args={"vm": vm.id, "user": principal.user_name, **args},
        resources=(
            Resource(name=f"vm:{vm.id}", label=f"VM {vm.name}"),
            Resource(name=f"host:{host.id}", limit=host_limit, label=f"host {host.name}"),
        ),
        target=f"vm:{vm.id}",
        target_name=vm.name,
        host_id=host.id,
        created_by=principal.user_name,
    )


def check_revision(connection: Connection, vm: Vm, expected_revision: int | None) -> None:
    """Claims the edit: of two with the same expected revision, the second raises EditConflict."""
    if expected_revision is None:
        return
    if vm.revision != expected_revision:
        remedy = "Read it again, look at what changed, and repeat the edit."
        raise EditConflict(f"{vm.name} was changed meanwhile.", remedy=remedy)
    vm_store.update(connection, vm.id, expected_revision=expected_revision)
