"""`castalia host`."""

from typing import Annotated, Any

import typer

from castalia.cli.metrics import Hours, Points, show_metrics
from castalia.cli.options import Filter, HostRef, Limit, PlanOnly, Wait, Yes, address
from castalia.cli.state import STATE

app = typer.Typer(no_args_is_help=True, help="Hosts: servers with a hypervisor.")


@app.command("list")
def list_hosts(filter: Filter = "", limit: Limit = 100) -> None:
    """List hosts."""
    from castalia.cli.output import field, show_list
    from castalia.model.amount import format_mib

    columns = [
        ("name", field("name")),
        ("state", field("state")),
        ("vms", lambda h: f"{h['running_count']}/{h['vm_count']}"),
        ("cpus", field("facts.cpus")),
        ("cpu", lambda h: f"{h['load']['cpu_fraction']:.0%}" if h["load"] else ""),
        ("memory", lambda h: format_mib(h["facts"]["memory_mib"]) if h["facts"] else ""),
        ("free", lambda h: format_mib(h["load"]["memory_free_mib"]) if h["load"] else ""),
        ("accelerator", field("facts.capabilities.accelerator.accelerator")),
        ("uri", field("uri")),
        ("why", field("state_reason")),
    ]
    items = STATE.client.pages("/hosts", limit=limit, filter=filter)
    show_list(
        items,
        columns,
        empty="No host yet. Add this machine: castalia host add qemu:///system",
        searched=filter,
    )


@app.command()
def add(
    uri: Annotated[str, typer.Argument(help="qemu:///system, qemu+ssh://root@h1/system, …")],
    name: str = "",
    description: str = "",
    tag: Annotated[list[str] | None, typer.Option(help="Tag; repeatable.")] = None,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Take a host in; its running VMs are adopted as they are."""
    from castalia.cli import follow

    body = {"uri": uri, "name": name, "description": description, "tags": tag or []}
    answer = STATE.client.change("POST", "/hosts", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def show(host: HostRef) -> None:
    """Show one host."""
    from castalia.cli.output import show_object

    item = STATE.client.get(f"/hosts/{address(host)}")
    show_object(item, [*_identity(item), *_facts(item["facts"] or {})])


def _identity(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("name", item["name"]),
        ("id", item["id"]),
        ("uri", item["uri"]),
        ("state", item["state"]),
        ("why", item["state_reason"]),
        ("VMs", f"{item['vm_count']}, {item['running_count']} running"),
    ]


def _facts(facts: dict[str, Any]) -> list[tuple[str, str]]:
    from castalia.model.amount import format_mib

    if not facts:
        return []
    capabilities = facts["capabilities"]
    finding = capabilities["accelerator"]
    lacks = [(f"lacks {what}", why) for what, why in capabilities["missing"].items()]
    return [
        ("CPUs", f"{facts['cpus']} ({facts['cpu_model']}, {facts['arch']})"),
        ("memory", format_mib(facts["memory_mib"])),
        ("hypervisor", f"{capabilities['hypervisor']} {facts['hypervisor_version']}"),
        ("libvirt", facts["libvirt_version"]),
        ("accelerator", f"{finding['accelerator']}: {finding['reason']}"),
        ("modes", ", ".join(capabilities["modes"])),
        *lacks,
    ]


@app.command()
def remove(host: HostRef, yes: Yes = False, plan: PlanOnly = False, wait: Wait = True) -> None:
    """Forget a host; its VMs run on."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Forget {host}? Its VMs run on.", abort=True)
    answer = STATE.client.change("DELETE", f"/hosts/{address(host)}", plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def probe(host: HostRef, plan: PlanOnly = False, wait: Wait = True) -> None:
    """Measure the accelerator again."""
    from castalia.cli import follow

    answer = STATE.client.change("POST", f"/hosts/{address(host)}/probe", plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def metrics(host: HostRef, hours: Hours = 1.0, points: Points = 12) -> None:
    """Show how busy a host was."""
    show_metrics(f"/hosts/{address(host)}", hours=hours, points=points)


@app.command()
def reconnect(host: HostRef) -> None:
    """Try at once to reach a host that was lost."""
    from castalia.cli.output import note, show_raw

    item = STATE.client.change("POST", f"/hosts/{address(host)}/reconnect")
    if not show_raw(item):
        note(
            f"{item['name']}: {item['state']}"
            + f" ({item['state_reason']})" * bool(item["state_reason"])
        )


@app.command()
def edit(
    host: HostRef,
    name: str | None = None,
    description: str | None = None,
    tag: Annotated[list[str] | None, typer.Option(help="All its tags; repeatable.")] = None,
) -> None:
    """Change a host's name, description or tags."""
    from castalia.cli.output import note, show_raw

    body = {"name": name, "description": description, "tags": tag or None}
    given = {key: value for key, value in body.items() if value is not None}
    if not given:
        raise typer.BadParameter("Say what to change: --name, --description, --tag.")
    item = STATE.client.change("PATCH", f"/hosts/{address(host)}", json=given)
    if not show_raw(item):
        note(f"{item['name']}: changed.")
