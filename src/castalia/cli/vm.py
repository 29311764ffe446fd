"""`castalia vm`: list, look, create, delete, and what a guest can be asked."""

from pathlib import Path
from typing import Annotated, Any

import typer

from castalia.cli import vm_change, vm_power
from castalia.cli.complete import names
from castalia.cli.metrics import Hours, Points, show_metrics
from castalia.cli.options import Filter, Limit, PlanOnly, VmRef, Wait, Yes, address
from castalia.cli.state import STATE

app = typer.Typer(no_args_is_help=True, help="Virtual machines.")
vm_power.register(app)
vm_change.register(app)


@app.command("list")
def list_vms(
    filter: Filter = "",
    sort: Annotated[
        str, typer.Option(help="name, state, host, cpu, memory, created; - reverses.")
    ] = "name",
    limit: Limit = 100,
) -> None:
    """List VMs."""
    from castalia.cli.output import show_list

    items = STATE.client.pages("/vms", limit=limit, filter=filter, sort=sort)
    empty = "No VM yet. Make one: castalia vm create web1 --template micro"
    show_list(items, _columns(), empty=empty, searched=filter)


def _columns() -> list[Any]:
    from castalia.cli.output import age, field
    from castalia.model.amount import format_mib

    return [
        ("name", field("name")),
        ("state", field("state")),
        ("address", lambda vm: main_address(vm)),
        ("cpu", lambda vm: "" if vm["cpu_fraction"] is None else f"{vm['cpu_fraction']:.0%}"),
        ("vcpus", field("definition.vcpus")),
        ("memory", lambda vm: format_mib(vm["definition"]["memory_mib"])),
        ("host", field("host_name")),
        ("template", field("template")),
        ("tags", field("tags")),
        ("age", lambda vm: age(vm["created_at"])),
    ]


def main_address(vm: dict[str, Any]) -> str:
    """The address to show first: IPv4 before IPv6, the agent's word before a lease's and ARP's."""
    order = ["agent", "lease", "arp"]
    ranked = sorted(vm["addresses"], key=lambda a: (":" in a["ip"], order.index(a["source"])))
    return str(ranked[0]["ip"]) if ranked else ""


@app.command()
def show(vm: VmRef) -> None:
    """Show one VM."""
    from castalia.cli.output import age, show_object
    from castalia.model.amount import format_mib

    item = STATE.client.get(f"/vms/{address(vm)}")
    definition = item["definition"]
    disks = [f"{d['target']} {d['bus']} {d['source'] or '(empty)'}" for d in definition["disks"]]
    nics = [f"{n['mac']} on {n['network'] or n['kind']}" for n in definition["nics"]]
    rows = [
        ("name", item["name"]),
        ("id", item["id"]),
        ("state", item["state"]),
        ("why", item["state_reason"]),
        ("host", item["host_name"]),
        ("mode", item["mode"]),
        ("vCPUs", f"{definition['vcpus']} of {definition['max_vcpus']}"),
        ("memory", format_mib(definition["memory_mib"])),
        ("addresses", ", ".join(f"{a['ip']} ({a['source']})" for a in item["addresses"])),
        ("agent", "answers" if item["agent_connected"] else "not connected"),
        *(("disk", disk) for disk in disks),
        *(("network card", nic) for nic in nics),
        ("template", item["template"]),
        ("tags", ", ".join(item["tags"])),
        ("description", item["description"]),
        ("autostart", "yes" if item["autostart"] else "no"),
        ("origin", item["origin"]),
        ("age", age(item["created_at"])),
    ]
    show_object(item, rows)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name; with --count a pattern: web-{n:02}.")],
    template: Annotated[
        str,
        typer.Option(
            "--template", "-t", autocompletion=names("templates"), help="Template to make it of."
        ),
    ] = "",
    size: Annotated[str, typer.Option(help="micro, small, medium, large, xlarge.")] = "",
    vcpus: Annotated[int, typer.Option(help="vCPUs, instead of the size's.")] = 0,
    memory: Annotated[str, typer.Option(help="Memory, instead of the size's: 2G.")] = "",
    disk: Annotated[str, typer.Option(help="System disk: 20G.")] = "",
    volume: Annotated[
        list[str] | None, typer.Option(help="Existing volume as a disk; repeatable.")
    ] = None,
    iso: Annotated[str, typer.Option(help="ISO to install from: REPOSITORY/NAME.")] = "",
    network: Annotated[list[str] | None, typer.Option(help="Network; repeatable.")] = None,
    host: Annotated[
        str, typer.Option(autocompletion=names("hosts"), help="Host to put it on.")
    ] = "",
    repository: Annotated[str, typer.Option(help="Repository for its disks.")] = "",
    mode: Annotated[str, typer.Option(help="auto, emulated, hvm, pvhvm.")] = "auto",
    user: Annotated[str, typer.Option(help="User that cloud-init makes.")] = "",
    password: Annotated[
        bool, typer.Option("--password", help="Ask for that user's password.")
    ] = False,
    ssh_key: Annotated[
        list[str] | None, typer.Option(help="Public key, its file, or @NAME; repeatable.")
    ] = None,
    user_data: Annotated[
        Path | None, typer.Option(help="File passed to cloud-init as it is.")
    ] = None,
    network_config: Annotated[
        Path | None, typer.Option(help="cloud-init network configuration.")
    ] = None,
    count: Annotated[int, typer.Option(help="So many VMs.")] = 1,
    tag: Annotated[list[str] | None, typer.Option(help="Tag; repeatable.")] = None,
    description: str = "",
    autostart: bool = False,
    start: Annotated[bool, typer.Option("--start/--no-start")] = True,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make VMs: from a template, an ISO, or volumes."""
    from castalia.cli import follow
    from castalia.cli.vm_body import seed_of
    from castalia.model.amount import parse_bytes, parse_mib

    spec: dict[str, Any] = {
        "name": name,
        "template": template,
        "size": size,
        "vcpus": vcpus,
        "memory_mib": parse_mib(memory, field="memory") if memory else 0,
        "disk_bytes": parse_bytes(disk, field="disk", default_unit="g") if disk else 0,
        "disks": [volume_disk(one) for one in volume or ()],
        "iso": iso,
        "host": host,
        "repository": repository,
        "mode": mode,
        "seed": seed_of(
            user=user,
            ask_password=password,
            ssh_keys=ssh_key or [],
            user_data=user_data,
            network_config=network_config,
        ),
        "tags": tag or [],
        "description": description,
        "autostart": autostart,
        "start": start,
    }
    if network:
        spec["nics"] = [{"network": one} for one in network]
    answer = STATE.client.change("POST", "/vms", plan=plan, json={"spec": spec, "count": count})
    if plan:
        follow.show_plan(answer)
        return
    follow.finish(answer, wait=wait, done=f"{answer['target_name']}: made{' and started' * start}.")


def volume_disk(text: str) -> dict[str, str]:
    """The disk for `repository/volume` or `volume`."""
    repository, _, volume = text.rpartition("/")
    return {"repository": repository, "volume": volume}


@app.command()
def delete(
    vm: VmRef,
    keep_disks: Annotated[bool, typer.Option(help="Keep its volumes.")] = False,
    force: Annotated[bool, typer.Option(help="Even if it runs; cuts its power.")] = False,
    yes: Yes = False,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Delete a VM with its disks."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Delete {vm}{'' if keep_disks else ' and its disks'}?", abort=True)
    params = {"keep_disks": keep_disks, "force": force}
    answer = STATE.client.change("DELETE", f"/vms/{address(vm)}", plan=plan, params=params)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def clone(
    vm: VmRef,
    name: str,
    start: bool = False,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Copy a stopped VM."""
    from castalia.cli import follow

    body = {"name": name, "start": start}
    answer = STATE.client.change("POST", f"/vms/{address(vm)}/clone", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def metrics(vm: VmRef, hours: Hours = 1.0, points: Points = 12) -> None:
    """Show how busy a VM was."""
    show_metrics(f"/vms/{address(vm)}", hours=hours, points=points)


@app.command()
def ip(vm: VmRef) -> None:
    """Print a VM's address, asked of its host now."""
    from castalia.cli.failures import CommandFailed
    from castalia.cli.output import show_raw

    addresses = STATE.client.get(f"/vms/{address(vm)}/addresses")
    if show_raw(addresses):
        return
    if not addresses:
        remedy = "A guest needs a moment after its start; look at: castalia vm console " + vm
        raise CommandFailed(f"No address of {vm} is known.", remedy=remedy)
    typer.echo(main_address({"addresses": addresses}))


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec(
    vm: VmRef,
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    timeout: Annotated[float, typer.Option(help="Seconds it may take.")] = 30.0,
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
) -> None:
    """Run a command in the guest through its agent.

    Ends with the command's exit code. Options stand before the VM.
    """
    from castalia.cli.vm_guest import run_in_guest

    if command[0] != "--" and command[0].startswith("-"):
        raise typer.BadParameter("Options stand before the VM: castalia vm exec -i VM -- COMMAND")
    argv = command[1:] if command[0] == "--" else command
    raise typer.Exit(run_in_guest(vm, argv, timeout_s=timeout, stdin=stdin))


@app.command("send-key")
def send_key(
    vm: VmRef,
    keys: Annotated[list[str], typer.Argument(help="Keys pressed together: ctrl alt delete")],
) -> None:
    """Press keys in a VM."""
    from castalia.cli.output import note

    STATE.client.change("POST", f"/vms/{address(vm)}/keys", json={"keys": keys})
    note(f"{vm}: pressed {'+'.join(keys)}.")


@app.command()
def screenshot(
    vm: VmRef,
    output: Annotated[Path | None, typer.Option("--output", "-O", help="File to write.")] = None,
) -> None:
    """Save a picture of a VM's screen."""
    answer = STATE.client.request("GET", f"/vms/{address(vm)}/screenshot")
    suffix = "png" if "png" in answer.headers["content-type"] else "ppm"
    path = output or Path(f"{vm.rpartition('/')[2]}.{suffix}")
    path.write_bytes(answer.content)
    typer.echo(str(path))


@app.command()
def xml(vm: VmRef, live: Annotated[bool, typer.Option(help="As it runs now.")] = False) -> None:
    """Print a VM's libvirt definition."""
    answer = STATE.client.request("GET", f"/vms/{address(vm)}/xml", params={"live": live})
    typer.echo(answer.text)


@app.command()
def console(
    vm: VmRef,
    force: Annotated[bool, typer.Option(help="Take it from whoever has it.")] = False,
) -> None:
    """Open the serial console here; Ctrl-] leaves it."""
    from castalia.cli.vm_console import attach

    attach(vm, force=force)
