"""`castalia vm edit`, `disk-add` and the like."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from castalia.cli.options import PlanOnly, VmRef, Wait, address
from castalia.cli.state import STATE


class Link(StrEnum):
    """Whether a cable is plugged in."""

    UP = "up"
    DOWN = "down"


def register(app: typer.Typer) -> None:
    """Adds the commands to `castalia vm`."""
    app.command()(edit)
    app.command()(rename)
    app.command("disk-add")(disk_add)
    app.command("disk-grow")(disk_grow)
    app.command("disk-detach")(disk_detach)
    app.command("nic-add")(nic_add)
    app.command("nic-detach")(nic_detach)
    app.command("nic-link")(nic_link)
    app.command()(insert)
    app.command()(eject)


def edit(
    vm: VmRef,
    vcpus: int | None = None,
    memory: Annotated[str | None, typer.Option(help="For example 2G.")] = None,
    description: str | None = None,
    tag: Annotated[list[str] | None, typer.Option(help="All its tags; repeatable.")] = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Take all tags away.")] = False,
    boot: Annotated[str | None, typer.Option(help="Order: hd,cdrom,network")] = None,
    autostart: Annotated[bool | None, typer.Option("--autostart/--no-autostart")] = None,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Change a VM's values, at once where it can take them."""
    from castalia.model.amount import parse_mib

    body = {
        "vcpus": vcpus,
        "memory_mib": None if memory is None else parse_mib(memory, field="memory"),
        "description": description,
        "tags": [] if no_tags else tag or None,
        "boot": None if boot is None else [part.strip() for part in boot.split(",")],
        "autostart": autostart,
    }
    given = {name: value for name, value in body.items() if value is not None}
    if not given:
        raise typer.BadParameter("Say what to change; castalia vm edit --help lists what can be.")
    _change("PATCH", f"/vms/{address(vm)}", plan=plan, wait=wait, json=given)


def rename(vm: VmRef, name: str, plan: PlanOnly = False, wait: Wait = True) -> None:
    """Give a stopped VM another name."""
    _change("PATCH", f"/vms/{address(vm)}", plan=plan, wait=wait, json={"name": name})


def disk_add(
    vm: VmRef,
    size: Annotated[str, typer.Argument(help="Size of a blank disk: 20G. Or use --volume.")] = "",
    volume: Annotated[str, typer.Option(help="An existing volume: REPOSITORY/NAME.")] = "",
    repository: str = "",
    bus: str = "virtio",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Attach a disk."""
    from castalia.model.amount import parse_bytes

    place, _, name = volume.rpartition("/")
    body = {
        "size_bytes": parse_bytes(size, field="size", default_unit="g") if size else 0,
        "volume": name,
        "repository": place or repository,
        "bus": bus,
    }
    _change("POST", f"/vms/{address(vm)}/disks", plan=plan, wait=wait, json=body)


def disk_grow(
    vm: VmRef,
    target: Annotated[str, typer.Argument(help="Which disk: vda.")],
    size: Annotated[str, typer.Argument(help="Its new size: 40G.")],
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make a disk larger."""
    from castalia.model.amount import parse_bytes

    body = {"size_bytes": parse_bytes(size, field="size", default_unit="g")}
    _change("PATCH", f"/vms/{address(vm)}/disks/{target}", plan=plan, wait=wait, json=body)


def disk_detach(
    vm: VmRef,
    target: Annotated[str, typer.Argument(help="Which disk: vdb.")],
    delete_volume: Annotated[bool, typer.Option(help="Destroy what is on it.")] = False,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Take a disk away."""
    params = {"delete_volume": delete_volume}
    _change("DELETE", f"/vms/{address(vm)}/disks/{target}", plan=plan, wait=wait, params=params)


def nic_add(
    vm: VmRef,
    network: Annotated[str, typer.Argument(help="Network to plug into.")] = "default",
    mac: str = "",
    model: str = "virtio",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Attach a network card."""
    body = {"network": network, "mac": mac, "model": model}
    _change("POST", f"/vms/{address(vm)}/nics", plan=plan, wait=wait, json=body)


def nic_detach(vm: VmRef, mac: str, plan: PlanOnly = False, wait: Wait = True) -> None:
    """Take a network card away."""
    _change("DELETE", f"/vms/{address(vm)}/nics/{mac}", plan=plan, wait=wait)


def nic_link(
    vm: VmRef,
    mac: str,
    state: Annotated[Link, typer.Argument(help="up or down")],
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Plug a network card's cable in, or pull it."""
    body = {"link_up": state is Link.UP}
    _change("PATCH", f"/vms/{address(vm)}/nics/{mac}", plan=plan, wait=wait, json=body)


def insert(
    vm: VmRef,
    volume: Annotated[str, typer.Argument(help="ISO: REPOSITORY/NAME.")],
    target: Annotated[str, typer.Option(help="Which drive.")] = "sda",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Put an ISO into a drive."""
    repository, _, name = volume.rpartition("/")
    body = {"volume": name, "repository": repository}
    _change("PATCH", f"/vms/{address(vm)}/disks/{target}", plan=plan, wait=wait, json=body)


def eject(
    vm: VmRef,
    target: Annotated[str, typer.Option(help="Which drive.")] = "sda",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Take the medium out of a drive."""
    body = {"volume": ""}
    _change("PATCH", f"/vms/{address(vm)}/disks/{target}", plan=plan, wait=wait, json=body)


def _change(method: str, path: str, *, plan: bool, wait: bool, **arguments: Any) -> None:
    from castalia.cli import follow

    if plan:
        follow.show_plan(STATE.client.change(method, path, plan=True, **arguments))
        return
    # what a running VM takes only at its next start is said by the plan, not by the job
    expected = STATE.client.change(method, path, plan=True, **arguments)
    follow.finish(STATE.client.change(method, path, **arguments), wait=wait)
    follow.remark(expected)
