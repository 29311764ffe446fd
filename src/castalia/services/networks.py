"""Networks that NICs plug into."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from castalia.db import hosts as host_store
from castalia.db import networks as network_store
from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.host import Host
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.network import Lease, Network, NetworkKind, NetworkSpec
from castalia.model.page import Page, PageRequest
from castalia.model.plan import Plan
from castalia.services.checks import blocked, host_up, warning
from castalia.services.inventory import Inventory
from castalia.services.submission import Submission
from castalia.workflows.arguments import to_json

_LONGEST_PREFIX = 29


@dataclass(frozen=True, kw_only=True)
class NetworkService:
    """Everything about networks."""

    database: Database
    inventory: Inventory
    submission: Submission

    def list(self, page: PageRequest, *, principal: Principal) -> Page[Network]:
        """A page of networks."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return network_store.page(connection, page)

    def get(self, ref: str, *, principal: Principal) -> Network:
        """The network with that id, unique name, or `host/name`."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return network_store.find(connection, ref)

    def leases(self, ref: str, *, principal: Principal) -> Sequence[Lease]:
        """What the network's DHCP server gave out, asked of the host now."""
        network = self.get(ref, principal=principal)
        return self.inventory.hypervisor(network.host_id).leases(network.facts.name)

    def add(self, host_ref: str, spec: NetworkSpec, *, principal: Principal) -> Job:
        """Enqueues making a network on a host."""
        principal.require(Role.ADMIN)
        host = self._host(host_ref)
        plan = self._plan_add(host, spec)
        return self._submit(
            "network_add", plan, host, spec.name, {"spec": to_json(spec)}, principal=principal
        )

    def plan_add(self, host_ref: str, spec: NetworkSpec, *, principal: Principal) -> Plan:
        """What `add` would do."""
        principal.require(Role.ADMIN)
        return self._plan_add(self._host(host_ref), spec)

    def remove(self, ref: str, *, principal: Principal) -> Job:
        """Enqueues removing a network that no VM is plugged into."""
        principal.require(Role.ADMIN)
        network = self.get(ref, principal=principal)
        host = self._host(network.host_id)
        plan = _plan_remove(host, network)
        name = network.facts.name
        return self._submit(
            "network_remove", plan, host, name, {"network": name}, principal=principal
        )

    def plan_remove(self, ref: str, *, principal: Principal) -> Plan:
        """What `remove` would do."""
        principal.require(Role.ADMIN)
        network = self.get(ref, principal=principal)
        return _plan_remove(self._host(network.host_id), network)

    def _host(self, ref: str) -> Host:
        with self.database.read() as connection:
            return host_store.find(connection, ref)

    def _plan_add(self, host: Host, spec: NetworkSpec) -> Plan:
        _check_spec(spec)
        checks = [host_up(host)]
        with self.database.read() as connection:
            others = [n for n in network_store.every(connection) if n.host_id == host.id]
        if any(network.facts.name == spec.name for network in others):
            checks.append(
                blocked(
                    "name",
                    f"{host.name} has a network {spec.name} already.",
                    remedy="Choose another name.",
                    code="network.name-taken",
                    field="name",
                )
            )
        if spec.kind is NetworkKind.BRIDGE and spec.bridge not in {n.facts.bridge for n in others}:
            checks.append(
                warning(
                    "bridge",
                    f"No bridge {spec.bridge} was seen on {host.name}; VMs on this network do not "
                    "start before it is there.",
                    remedy="Make the bridge on the host first, or correct its name.",
                    code="network.bridge-missing",
                )
            )
        for network in others:
            if spec.cidr and network.facts.cidr and _overlap(spec.cidr, network.facts.cidr):
                checks.append(
                    blocked(
                        "cidr",
                        f"{spec.cidr} overlaps with network {network.facts.name} "
                        f"({network.facts.cidr}).",
                        remedy="Choose another range, for example 10.77.5.1/24.",
                        code="network.overlap",
                        field="cidr",
                    )
                )
        where = spec.cidr or spec.bridge
        return Plan(
            title=f"Add network {spec.name} on {host.name}",
            checks=tuple(checks),
            steps=(f"make a {spec.kind} network on {where} that starts with the host",),
        )

    def _submit(
        self,
        kind: str,
        plan: Plan,
        host: Host,
        name: str,
        args: Mapping[str, object],
        *,
        principal: Principal,
    ) -> Job:
        request = JobRequest(
            kind=kind,
            title=plan.title,
            args={"host": host.id, "user": principal.user_name, **args},
            resources=(Resource(name=f"network:{host.id}/{name}", label=f"network {name}"),),
            target_name=name,
            host_id=host.id,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)


def _plan_remove(host: Host, network: Network) -> Plan:
    checks = [host_up(host)]
    if network.nic_count:
        checks.append(
            blocked(
                "use",
                f"{network.nic_count} network cards are plugged into {network.facts.name}.",
                remedy="Detach them, or delete their VMs, first.",
                code="network.in-use",
            )
        )
    if network.facts.kind is NetworkKind.BRIDGE and not network.facts.uuid:
        checks.append(
            blocked(
                "kind",
                f"{network.facts.name} is a bridge of the host itself.",
                remedy="Remove it in the host's own network configuration.",
                code="network.not-ours",
            )
        )
    return Plan(
        title=f"Remove network {network.facts.name} of {host.name}",
        checks=tuple(checks),
        steps=("stop it", "have the host forget it"),
    )


def _check_spec(spec: NetworkSpec) -> None:
    checked_name(spec.name)
    if spec.kind is NetworkKind.BRIDGE:
        checked_name(spec.bridge, field="bridge")
        return
    if spec.kind not in (NetworkKind.NAT, NetworkKind.ISOLATED):
        remedy = "Choose nat, isolated or bridge."
        raise InvalidRequest(f"Networks are not made as {spec.kind}.", field="kind", remedy=remedy)
    if spec.kind is NetworkKind.ISOLATED and not spec.cidr:
        return
    interface = _interface(spec.cidr)
    if interface.network.prefixlen > _LONGEST_PREFIX:
        remedy = f"Use a prefix of /{_LONGEST_PREFIX} or shorter."
        raise InvalidRequest("The range is too small.", field="cidr", remedy=remedy)


def _interface(cidr: str) -> ipaddress.IPv4Interface:
    try:
        interface = ipaddress.IPv4Interface(cidr)
    except ValueError as error:
        remedy = "Write the host's address with its prefix: 10.77.5.1/24"
        raise InvalidRequest(
            f"{cidr!r} is no IPv4 range.", field="cidr", remedy=remedy, detail=str(error)
        ) from error
    if interface.ip == interface.network.network_address:
        remedy = f"Write the host's own address in it, for example {interface.network[1]}/…"
        raise InvalidRequest(f"{cidr} names the network itself.", field="cidr", remedy=remedy)
    return interface


def _overlap(one: str, other: str) -> bool:
    return ipaddress.ip_interface(one).network.overlaps(ipaddress.ip_interface(other).network)
