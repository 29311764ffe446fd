"""Turns what somebody wants into VMs with every choice made, and says what stands in the way."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from castalia.db import hosts as host_store
from castalia.db import networks as network_store
from castalia.db import templates as template_store
from castalia.db import vms as vm_store
from castalia.errors import InvalidRequest
from castalia.images.seed import checked_seed
from castalia.model.amount import GIB, format_bytes, format_mib
from castalia.model.host import Host
from castalia.model.names import hostname_from, numbered_names
from castalia.model.network import Network
from castalia.model.plan import Check, Plan
from castalia.model.storage import Repository
from castalia.model.template import Template
from castalia.model.vm import SIZES, Size, VmCreation, VmSpec
from castalia.model.vm_plan import PlannedVm
from castalia.planning.facts import Candidate, Demand
from castalia.planning.placement import Placement, place
from castalia.services.checks import blocked, ok, overcommit_checks, warning
from castalia.services.device_limits import check_devices
from castalia.services.vm_assembly import Ground, assembled, media_check, needs_seed
from castalia.services.vm_limits import (
    checked_description,
    checked_firmware,
    checked_max_memory,
    checked_memory,
    checked_tags,
    checked_vcpus,
    checked_volume_size,
)
from castalia.services.vm_repository import chosen_repository

MAX_COUNT = 200
_BLANK_DISK_BYTES = 10 * GIB


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The answer: the plan for people, the VMs for the job (none if something stands in the
    way)."""

    plan: Plan
    vms: tuple[PlannedVm, ...]
    host: Host | None


def planned_creation(connection: Connection, request: VmCreation) -> Planned:
    """What creating these VMs means. Reads the database only.

    Raises InvalidRequest for values that can never be right and NotFound for an unknown template,
    host, repository or
    volume; what depends on the present state becomes a check.
    """
    names = _names(request)
    check_devices(request.spec.disks, request.spec.nics, count=request.count)
    template = (
        template_store.find(connection, request.spec.template) if request.spec.template else None
    )
    spec = _completed(request.spec, template)
    hosts = host_store.every(connection)
    networks = network_store.every(connection)
    placement = _placed(spec, hosts, networks, count=len(names))
    checks = [_host_check(spec, placement, hosts)]
    host = next((host for host in hosts if host.id == placement.host_id), None)
    vms: tuple[PlannedVm, ...] = ()
    if host is not None:
        checks += _name_checks(connection, host, names)
        repository = chosen_repository(connection, host, spec.repository)
        checks += _storage_checks(repository, spec, template, count=len(names))
        checks += media_check(connection, host, spec)
        checks += overcommit_checks(host, spec.vcpus)
        if template is not None:
            checks.append(_template_check(spec, template))
        if repository is not None:
            ground = Ground(
                host=host, repository=repository, template=template, networks=tuple(networks)
            )
            vms = tuple(assembled(connection, ground, spec, name) for name in names)
            checks.append(ok("mode", _mode_reason(host, vms[0])))
    plan = Plan(
        title=_title(names, template),
        checks=tuple(checks),
        steps=_steps(spec, template, len(names)),
        after=_after(host, spec, len(names)),
    )
    return Planned(plan=plan, vms=vms, host=host)


def _names(request: VmCreation) -> list[str]:
    if not 1 <= request.count <= MAX_COUNT:
        remedy = f"Ask for 1 to {MAX_COUNT} VMs at a time."
        raise InvalidRequest(f"{request.count} is no usable count.", field="count", remedy=remedy)
    return numbered_names(request.spec.name, count=request.count, start=request.first_number)


def _size(spec: VmSpec, template: Template | None) -> Size:
    name = spec.size or (template.default_size if template else "small")
    if name not in SIZES:
        remedy = f"Choose one of: {', '.join(SIZES)}."
        raise InvalidRequest(f"There is no size {name!r}.", field="size", remedy=remedy)
    return SIZES[name]


def _completed(spec: VmSpec, template: Template | None) -> VmSpec:
    size = _size(spec, template)
    explicit = bool(spec.vcpus or spec.memory_mib)
    blank = 0 if spec.disks else _BLANK_DISK_BYTES
    done = replace(
        spec,
        size=size.name if spec.size or not explicit else "",
        vcpus=spec.vcpus or size.vcpus,
        memory_mib=spec.memory_mib or size.memory_mib,
        disk_bytes=spec.disk_bytes or (template.disk_bytes if template else blank),
        tags=checked_tags(spec.tags),
    )
    _check_amounts(done, template)
    done = replace(done, max_memory_mib=done.max_memory_mib or done.memory_mib)
    checked_firmware(done.firmware)
    checked_description(done.description)
    seed = replace(done.seed, hostname=done.seed.hostname or hostname_from(done.name))
    checked_seed(seed)
    return done


def _check_amounts(spec: VmSpec, template: Template | None) -> None:
    checked_vcpus(spec.vcpus)
    checked_memory(spec.memory_mib)
    checked_max_memory(spec.max_memory_mib, memory_mib=spec.memory_mib)
    if spec.disk_bytes:
        checked_volume_size(spec.disk_bytes, field="disk_bytes")
    if template is not None and spec.disk_bytes < template.disk_bytes:
        remedy = f"Ask for at least {format_bytes(template.disk_bytes)}, or leave it out."
        raise InvalidRequest(
            f"The disk would be smaller than template {template.name}'s.",
            field="disk_bytes",
            remedy=remedy,
        )


def _placed(spec: VmSpec, hosts: list[Host], networks: list[Network], *, count: int) -> Placement:
    """One host for all of them; a host named in `spec` is the only one asked."""
    running = count if spec.start else 1
    demand = Demand(
        name=spec.name,
        memory_mib=spec.memory_mib * running,
        vcpus=spec.vcpus * running,
        networks=frozenset(nic.network for nic in spec.nics if nic.network),
        host=spec.host,
    )
    asked = [host for host in hosts if spec.host in ("", host.id, host.name)]
    return place(demand, [_candidate(host, networks) for host in asked])


def _candidate(host: Host, networks: list[Network]) -> Candidate:
    facts = host.facts
    user_mode = {"user"}
    names = {n.facts.name for n in networks if n.host_id == host.id and n.facts.active}
    if facts is not None and not facts.capabilities.system_networks:
        user_mode |= {"default"}
    return Candidate(
        host_id=host.id,
        name=host.name,
        up=host.state.value == "up" and facts is not None,
        arch=facts.arch if facts else "",
        cpus=facts.cpus if facts else 0,
        modes=frozenset(facts.capabilities.modes) if facts else frozenset(),
        memory_mib=facts.memory_mib if facts else 0,
        cpu_used=host.load.cpu_fraction * facts.cpus if host.load and facts else 0.0,
        tags=frozenset(host.tags),
        memory_free_mib=host.load.memory_free_mib
        if host.load
        else (facts.memory_mib if facts else 0),
        networks=frozenset(names | user_mode),
    )


def _host_check(spec: VmSpec, placement: Placement, hosts: list[Host]) -> Check:
    if placement.host_id:
        return ok("host", f"Host {placement.host_name} {placement.reason}.")
    if not hosts:
        return blocked(
            "host",
            "No host is managed yet.",
            remedy="Add one: castalia host add qemu:///system",
            code="conflict.no-host",
        )
    if spec.host and not placement.refused:
        return blocked(
            "host",
            f"There is no host {spec.host}.",
            remedy=f"Choose one of: {', '.join(host.name for host in hosts[:10])}.",
            code="missing.host",
            field="host",
        )
    reasons = "; ".join(f"{name} {why}" for name, why in list(placement.refused.items())[:5])
    return blocked(
        "host",
        f"No host can take it: {reasons}.",
        remedy="Ask for less, stop other VMs, or add a host.",
        code="capacity.host",
        field="host",
    )


def _name_checks(connection: Connection, host: Host, names: list[str]) -> list[Check]:
    taken = sorted(vm_store.taken_names(connection, host.id, names))
    if not taken:
        return [ok("name", "The name is free." if len(names) == 1 else "The names are free.")]
    return [
        blocked(
            "name",
            f"There is a VM {taken[0]} on {host.name} already.",
            remedy="Choose another name, or delete the other VM first.",
            code="vm.name-taken",
            field="name",
        )
    ]


def _storage_checks(
    repository: Repository | None, spec: VmSpec, template: Template | None, *, count: int
) -> list[Check]:
    if repository is None:
        return [
            blocked(
                "storage",
                "The host has no usable repository.",
                remedy="Add one: castalia repository add default --host HOST --path DIRECTORY",
                code="conflict.no-repository",
            )
        ]
    promised = (spec.disk_bytes + sum(disk.size_bytes for disk in spec.disks)) * count
    needed = template.size_bytes if template else 0
    free = format_bytes(repository.available_bytes)
    if needed > repository.available_bytes:
        return [
            blocked(
                "storage",
                f"Repository {repository.name} has {free} free, the template alone takes "
                f"{format_bytes(needed)}.",
                remedy="Delete volumes that nobody uses, or choose another repository.",
                code="capacity.storage",
                field="repository",
            )
        ]
    if promised > repository.available_bytes:
        return [
            warning(
                "storage",
                f"The disks may grow to {format_bytes(promised)}; repository {repository.name} "
                f"has {free} free.",
                code="storage.overcommitted",
            )
        ]
    return [ok("storage", f"Repository {repository.name} has {free} free.")]


def _template_check(spec: VmSpec, template: Template) -> Check:
    if template.state.value != "ready":
        return blocked(
            "template",
            f"Template {template.name} is {template.state}.",
            remedy="Wait until its job has ended, or build it again.",
            code="conflict.template-not-ready",
            field="template",
        )
    if spec.memory_mib < template.min_memory_mib:
        return warning(
            "template",
            f"Template {template.name} wants at least {format_mib(template.min_memory_mib)}; "
            f"the VM gets {format_mib(spec.memory_mib)}.",
            remedy="Choose a larger size if the guest does not come up.",
        )
    return ok("template", f"Linked clone of {template.name}: only differences take space.")


def _mode_reason(host: Host, vm: PlannedVm) -> str:
    finding = host.facts.capabilities.accelerator.reason if host.facts else ""
    return f"Mode {vm.mode}: {finding}"


def _title(names: list[str], template: Template | None) -> str:
    what = names[0] if len(names) == 1 else f"{len(names)} VMs ({names[0]} … {names[-1]})"
    return f"Create {what}" + (f" from {template.name}" if template else "")


def _steps(spec: VmSpec, template: Template | None, count: int) -> tuple[str, ...]:
    each = "" if count == 1 else f" ({count} times)"
    disk = f"link a disk to template {template.name}" if template else "make the disk"
    steps = [f"record the VM{each}", disk + each]
    if needs_seed(spec, template):
        steps.append(f"write the first-boot seed{each}")
    steps.append(f"define the VM{each}")
    if spec.start:
        steps.append(f"start the VM{each}")
    return tuple(steps)


def _after(host: Host | None, spec: VmSpec, count: int) -> dict[str, str]:
    if host is None or host.load is None or not spec.start:
        return {}
    left_mib = host.load.memory_free_mib - spec.memory_mib * count
    return {f"memory free on {host.name}": format_mib(max(left_mib, 0))}
