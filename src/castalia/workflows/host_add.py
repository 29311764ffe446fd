"""Registers a host and adopts what runs on it."""

from typing import Any

from castalia.db import hosts as host_store
from castalia.errors import Conflict, HostUnreachable, HypervisorError, Unsupported
from castalia.jobs.context import JobContext
from castalia.model.clock import now
from castalia.model.event import Change
from castalia.model.host import Host, HostFacts, HostState
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.workflows.arguments import from_json, to_json
from castalia.workflows.parts import Parts

_DEFAULT = "default"
# The first is what libvirt's own tools take; the others are for machines where it is in use
# already.
_SUBNETS = ("192.168.122.1/24", "192.168.123.1/24", "10.77.0.1/24", "172.29.77.1/24")


def host_add(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Connects to `args["uri"]`, looks at the host, registers it under `args["id"]`, adopts its
    VMs, and makes sure that it has a repository and a network, called `default` if they are new."""
    host_id, uri = context.args["id"], context.args["uri"]
    context.progress(10, "Connecting and measuring the accelerator")
    facts = from_json(HostFacts, context.step("look", lambda: _look(parts, uri)))
    host = Host(
        id=host_id,
        name=context.args["name"],
        uri=uri,
        state=HostState.CONNECTING,
        facts=facts,
        description=context.args.get("description", ""),
        tags=tuple(context.args.get("tags", ())),
        created_at=now(),
    )
    context.step(
        "register", lambda: _register(parts, host), undo=lambda _: _unregister(parts, host)
    )
    context.progress(60, "Reading its VMs")
    context.step(
        "adopt", lambda: parts.links.attach(host), undo=lambda _: parts.links.detach(host_id)
    )
    context.progress(80, "Preparing storage and network")
    _furnish(context, parts, host)
    _announce(context, parts, host)
    return {"host": host_id, "name": host.name}


def default_repository_path(uri: str) -> str:
    """Where libvirt's own tools put images on that kind of host."""
    return "" if uri.endswith("/session") else "/var/lib/libvirt/images"


def _look(parts: Parts, uri: str) -> Any:
    try:
        driver = parts.links.probe(uri)
    except HostUnreachable as error:
        # Not worth another try: somebody waits, and a wrong address or key stays wrong.
        raise HypervisorError(
            error.message, code=error.code, remedy=error.remedy, detail=error.detail
        ) from error
    try:
        return to_json(driver.facts())
    finally:
        driver.close()


def _register(parts: Parts, host: Host) -> None:
    with parts.database.write() as connection:
        if not host_store.many(connection, [host.id]):
            host_store.insert(connection, host)
    parts.publish([Change(noun="host", id=host.id, verb="created", data={"name": host.name})])


def _unregister(parts: Parts, host: Host) -> None:
    with parts.database.write() as connection:
        host_store.delete(connection, host.id)
    parts.publish([Change(noun="host", id=host.id, verb="deleted", data={"name": host.name})])


def _furnish(context: JobContext, parts: Parts, host: Host) -> None:
    # What was there before is written down first: an undo takes away only what the job has made.
    had = context.step("look for storage", lambda: _furniture(parts, host))
    repositories, networks = had["repositories"], had["networks"]
    context.step(
        "repository",
        lambda: _ensure_repository(context, parts, host, repositories),
        undo=lambda _: _remove_repository(parts, host, repositories),
    )
    context.step(
        "network",
        lambda: _ensure_network(context, parts, host, networks),
        undo=lambda _: _remove_network(parts, host, networks),
    )


_Active = dict[str, bool]
"""What there is, by name, and whether it can be used as it is."""


def _furniture(parts: Parts, host: Host) -> dict[str, _Active]:
    repositories = parts.links.storage(host.id).repositories()
    networks = parts.links.hypervisor(host.id).networks()
    return {
        "repositories": {one.name: one.active for one in repositories},
        "networks": {one.name: one.active for one in networks},
    }


def _ensure_repository(context: JobContext, parts: Parts, host: Host, had: _Active) -> None:
    path = default_repository_path(host.uri) or str(parts.settings.state_dir / "images")
    try:
        if not any(had.values()):
            parts.links.storage(host.id).ensure_repository(_DEFAULT, path)
    except Unsupported as error:
        context.log(f"No repository was made: {error.message}", level="warning")
    parts.links.refresh_storage(host.id)


def _remove_repository(parts: Parts, host: Host, had: _Active) -> None:
    if not any(had.values()) and _DEFAULT not in had:
        parts.links.storage(host.id).forget_repository(_DEFAULT)


def _ensure_network(context: JobContext, parts: Parts, host: Host, had: _Active) -> None:
    if host.facts and not host.facts.capabilities.system_networks:
        context.log("This connection has user-mode networking only; no network was made.")
        return
    if any(had.values()):
        return
    driver = parts.links.hypervisor(host.id)
    for cidr in _SUBNETS:
        try:
            driver.define_network(NetworkSpec(name=_DEFAULT, kind=NetworkKind.NAT, cidr=cidr))
            break
        except (HypervisorError, Conflict) as error:
            context.log(f"Network default on {cidr}: {error.message}", level="warning")
    parts.links.refresh_networks(host.id)


def _remove_network(parts: Parts, host: Host, had: _Active) -> None:
    if not any(had.values()) and _DEFAULT not in had:
        parts.links.hypervisor(host.id).remove_network(_DEFAULT)


def _announce(context: JobContext, parts: Parts, host: Host) -> None:
    parts.record(
        "host.added",
        f"Host {host.name} was added.",
        subject=f"host:{host.id}",
        subject_name=host.name,
        host_id=host.id,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
