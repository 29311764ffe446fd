"""Adds networks to hosts and removes them."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.model.network import NetworkSpec
from castalia.workflows.arguments import from_json
from castalia.workflows.parts import Parts


def network_add(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes the network `args["spec"]` on the host `args["host"]`."""
    spec = from_json(NetworkSpec, context.args["spec"])
    driver = parts.links.hypervisor(context.args["host"])
    context.step(
        "define",
        lambda: driver.define_network(spec).name,
        undo=lambda _: driver.remove_network(spec.name),
    )
    context.step("reread", lambda: parts.links.refresh_networks(context.args["host"]))
    return {"network": spec.name}


def network_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Stops and forgets a network that no VM is plugged into."""
    name, host_id = context.args["network"], context.args["host"]
    context.step("remove", lambda: parts.links.hypervisor(host_id).remove_network(name))
    context.step("reread", lambda: parts.links.refresh_networks(host_id))
    return {"network": name}
