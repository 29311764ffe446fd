"""`castalia network`."""

from typing import Annotated

import typer

from castalia.cli.complete import names
from castalia.cli.options import Filter, Limit, PlanOnly, Wait, Yes, address
from castalia.cli.state import STATE

app = typer.Typer(no_args_is_help=True, help="Networks that VMs plug into.")
NetworkRef = Annotated[
    str, typer.Argument(help="Name, id, or host/name.", autocompletion=names("networks"))
]


@app.command("list")
def list_networks(filter: Filter = "", limit: Limit = 100) -> None:
    """List networks."""
    from castalia.cli.output import field, show_list

    columns = [
        ("name", field("facts.name")),
        ("host", field("host_name")),
        ("kind", field("facts.kind")),
        ("active", field("facts.active")),
        ("range", field("facts.cidr")),
        ("bridge", field("facts.bridge")),
        ("cards", field("nic_count")),
    ]
    items = STATE.client.pages("/networks", limit=limit, filter=filter)
    show_list(items, columns, empty="No network yet. A host brings its own.", searched=filter)


@app.command()
def add(
    name: str,
    host: Annotated[str, typer.Option(autocompletion=names("hosts"))],
    kind: Annotated[str, typer.Option(help="nat, isolated or bridge.")] = "nat",
    cidr: Annotated[str, typer.Option(help="The host's address in it: 10.77.5.1/24")] = "",
    bridge: Annotated[str, typer.Option(help="An existing bridge of the host.")] = "",
    dhcp: Annotated[bool, typer.Option("--dhcp/--no-dhcp")] = True,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make a network on a host."""
    from castalia.cli import follow

    body = {"name": name, "host": host, "kind": kind, "cidr": cidr, "bridge": bridge, "dhcp": dhcp}
    answer = STATE.client.change("POST", "/networks", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def remove(
    network: NetworkRef, yes: Yes = False, plan: PlanOnly = False, wait: Wait = True
) -> None:
    """Remove a network that no VM is plugged into."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Remove network {network}?", abort=True)
    answer = STATE.client.change("DELETE", f"/networks/{address(network)}", plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def leases(network: NetworkRef) -> None:
    """List the addresses that a network gave out."""
    from castalia.cli.output import field, show_list

    columns = [("address", field("ip")), ("mac", field("mac")), ("name", field("hostname"))]
    items = STATE.client.get(f"/networks/{address(network)}/leases")
    show_list(items, columns, empty="No leases.")
