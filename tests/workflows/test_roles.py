"""Who may do what: every method of every service that takes a principal, by reflection, so that a
new one cannot be forgotten."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from tests.workflows.world import World

from castalia.errors import Forbidden
from castalia.model.access import Principal, Role
from castalia.model.clock import now
from castalia.model.host import HostChange, HostEdit
from castalia.model.image import ImageSource
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.model.page import PageRequest
from castalia.model.template import TemplateEdit
from castalia.model.vm import PowerAction, VmCreation, VmSpec
from castalia.model.vm_edit import DetachDisk, VmEdit
from castalia.services.services import Services

LEAST = {
    Role.VIEWER: """
        vms.addresses vms.facets vms.get vms.list vms.many vms.screenshot vms.volumes vms.xml
        hosts.get hosts.list hosts.many templates.builders templates.get templates.list
        storage.chain storage.repositories storage.repository storage.volume storage.volumes
        networks.get networks.leases networks.list jobs.get jobs.list jobs.log jobs.schedules
        events.list metrics.query metrics.sparks overview.attention overview.counts overview.get
        search.find ssh_keys.list
        users.change_own_password sessions.list sessions.logout sessions.logout_everywhere
        tokens.create tokens.list tokens.revoke
        idempotency.abandon idempotency.begin idempotency.finish
    """,
    Role.OPERATOR: """
        vms.exec vms.send_keys vm_create.create vm_create.plan vm_power.plan vm_power.power
        vm_edit.edit vm_edit.plan vm_devices.plan vm_devices.run vm_clone.clone vm_clone.plan
        vm_delete.delete vm_delete.plan hosts.reconnect
        templates.build templates.edit templates.import_image templates.plan_build
        templates.plan_import templates.plan_remove templates.remove
        storage.create_volume storage.delete_volume storage.plan_create_volume
        storage.plan_delete_volume storage.plan_resize_volume storage.refresh storage.resize_volume
        volume_import.plan volume_import.start
        uploads.abort uploads.append uploads.begin uploads.get
        jobs.cancel jobs.retry consoles.ticket ssh_keys.add ssh_keys.remove
    """,
    Role.ADMIN: """
        hosts.add hosts.edit hosts.plan_add hosts.plan_probe hosts.plan_remove hosts.probe
        hosts.remove storage.add_repository storage.plan_add_repository
        storage.plan_remove_repository storage.remove_repository
        networks.add networks.plan_add networks.plan_remove networks.remove
        users.create users.edit users.get users.list users.remove users.set_password audit.list
    """,
}
UNASKED = """
    consoles.check storage.behind uploads.content uploads.discard uploads.prune
    events.publish events.record events.subscribe
    metrics.close metrics.flush metrics.forget_host metrics.latest metrics.take
    consoles.open_graphics consoles.open_serial consoles.redeem users.ensure_first_admin
    sessions.login sessions.principal tokens.principal
    authentication.from_session authentication.from_token
    audit.change audit.prune audit.record
"""
"""Methods without a principal: the manager's own, and those that find out who is asking."""

ARGUMENTS: dict[str, Any] = {
    "page": PageRequest(),
    "ids": [],
    "subjects": [],
    "argv": ["true"],
    "keys": ["a"],
    "chunks": [],
    "offset": 0,
    "size_bytes": 1,
    "request": VmCreation(spec=VmSpec(name="-")),
    "action": PowerAction.START,
    "operation": DetachDisk(target="none"),
    "source": ImageSource(url="https://images.example/none.qcow2"),
    "spec": NetworkSpec(name="none", kind=NetworkKind.NAT),
    "change": HostChange(name="none", uri="none"),
    "role": Role.VIEWER,
    "since": now() - timedelta(hours=1),
    "until": now(),
}
"""What required arguments get; all others get a text that names nothing."""
EDITS = {"vm_edit": VmEdit(), "hosts": HostEdit(), "templates": TemplateEdit()}


def methods(services: type[Services] | Services = Services) -> Iterator[tuple[str, Any]]:
    """Every public method with its name."""
    for field in fields(Services):
        service: Any = field.type if services is Services else getattr(services, field.name)
        for name, method in inspect.getmembers(service, callable):
            if not name.startswith("_") and inspect.isroutine(method):
                yield f"{field.name}.{name}", method


def takes_principal(method: Callable[..., Any]) -> bool:
    """Whether the caller says who is asking."""
    parameter = inspect.signature(method).parameters.get("principal")
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY


def arguments(name: str, method: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that let a method come as far as to ask for a role, and not much farther."""
    needed = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.name not in ("self", "principal")
    ]
    known = {**ARGUMENTS, "edit": EDITS.get(name.partition(".")[0])}
    return {one: known.get(one, "no-such-thing") for one in needed}


def refused(services: Services, name: str, role: Role) -> bool:
    """Whether the method is refused to that role. It may fail in any other way."""
    noun, _, verb = name.partition(".")
    method = getattr(getattr(services, noun), verb)
    principal = Principal(user_id="nobody", user_name="nobody", role=role)
    try:
        method(**arguments(name, method), principal=principal)
    except Forbidden as error:
        return role in error.message and bool(error.remedy)
    except Exception:
        return False
    return False


def named(text: str) -> set[str]:
    return set(text.split())


def test_every_method_has_its_least_role() -> None:
    every = dict(methods())
    asked = {name for name, method in every.items() if takes_principal(method)}
    assert asked == set().union(*map(named, LEAST.values()))
    assert set(every) - asked == named(UNASKED)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_role_is_enough_or_refused(world: World, role: Role) -> None:
    wrong = [
        f"{name} is {'refused to' if is_refused else 'open to'} the {role}"
        for least, names in LEAST.items()
        for name in sorted(named(names))
        if (is_refused := refused(world.services, name, role)) == role.allows(least)
    ]
    assert not wrong


@pytest.mark.parametrize("method", ["import_image", "plan_import"])
def test_a_file_of_the_manager_is_for_administrators(world: World, method: str) -> None:
    operator = Principal(user_id="o", user_name="o", role=Role.OPERATOR)
    call = getattr(world.services.templates, method)
    with pytest.raises(Forbidden, match="role admin"):
        call("copy", ImageSource(path="/etc/shadow"), principal=operator)


def test_a_volume_of_a_managers_file_is_for_administrators(world: World) -> None:
    operator = Principal(user_id="o", user_name="o", role=Role.OPERATOR)
    source = ImageSource(path="/etc/shadow")
    for call in (world.services.volume_import.start, world.services.volume_import.plan):
        with pytest.raises(Forbidden, match="role admin"):
            call("default", "copy.raw", source, principal=operator)
