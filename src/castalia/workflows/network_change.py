"""Adds networks to hosts and removes them."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.model.network import NetworkSpec
from castalia.workflows.arguments import from_json
from castalia.workflows.free_names import free_network_name
from castalia.workflows.parts import Parts


def network_add(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes the network `args["spec"]` on the host `args["host"]`."""
    host_id = context.args["host"]
    spec = from_json(NetworkSpec, context.args["spec"])
    context.step("look", lambda: free_network_name(parts, host_id=host_id, name=spec.name))
    context.step(
        "define",
        lambda: _define(parts, host_id, spec),
        undo=lambda _: _remove(parts, host_id, spec.name),
    )
    return {"network": spec.name}


def network_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Stops and forgets a network that no VM is plugged into."""
    name, host_id = context.args["network"], context.args["host"]
    context.step("remove", lambda: _remove(parts, host_id, name))
    return {"network": name}


def _define(parts: Parts, host_id: str, spec: NetworkSpec) -> None:
    parts.links.hypervisor(host_id).define_network(spec)
    parts.links.refresh_networks(host_id)


def _remove(parts: Parts, host_id: str, name: str) -> None:
    parts.links.hypervisor(host_id).remove_network(name)
    parts.links.refresh_networks(host_id)
