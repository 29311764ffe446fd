"""`castalia repository` and `castalia volume`."""

from typing import Annotated

import typer

from castalia.cli.complete import names
from castalia.cli.options import Filter, Limit, PlanOnly, RepositoryRef, Wait, Yes, address
from castalia.cli.state import STATE

repositories = typer.Typer(no_args_is_help=True, help="Repositories: stores of volumes.")
volumes = typer.Typer(no_args_is_help=True, help="Volumes: disks and ISOs.")
VolumeRef = Annotated[str, typer.Argument(help="REPOSITORY/NAME")]


@repositories.command("list")
def list_repositories(filter: Filter = "", limit: Limit = 100) -> None:
    """List repositories."""
    from castalia.cli.output import field, show_list
    from castalia.model.amount import format_bytes

    columns = [
        ("name", field("name")),
        ("host", field("host_name")),
        ("state", field("state")),
        ("volumes", field("volume_count")),
        ("capacity", lambda r: format_bytes(r["capacity_bytes"])),
        ("free", lambda r: format_bytes(r["available_bytes"])),
        ("path", field("path")),
    ]
    items = STATE.client.pages("/repositories", limit=limit, filter=filter)
    show_list(items, columns, empty="No repository yet. A host brings its own.", searched=filter)


@repositories.command("add")
def add_repository(
    name: str,
    host: Annotated[str, typer.Option(autocompletion=names("hosts"))],
    path: Annotated[str, typer.Option(help="Directory on the host.")],
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make a directory of a host a repository."""
    from castalia.cli import follow

    body = {"name": name, "host": host, "path": path}
    answer = STATE.client.change("POST", "/repositories", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@repositories.command("remove")
def remove_repository(
    repository: RepositoryRef, yes: Yes = False, plan: PlanOnly = False, wait: Wait = True
) -> None:
    """Have a host forget a repository; its files stay."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Forget {repository}? Its files stay.", abort=True)
    answer = STATE.client.change("DELETE", f"/repositories/{address(repository)}", plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@repositories.command("refresh")
def refresh_repository(repository: RepositoryRef) -> None:
    """Look at a repository's directory again."""
    from castalia.cli.output import note, show_raw

    item = STATE.client.change("POST", f"/repositories/{address(repository)}/refresh")
    if not show_raw(item):
        note(f"{item['name']}: {item['volume_count']} volumes.")


@volumes.command("list")
def list_volumes(
    repository: Annotated[str, typer.Option(autocompletion=names("repositories"))] = "",
    filter: Filter = "",
    limit: Limit = 100,
) -> None:
    """List volumes."""
    from castalia.cli.output import field, show_list
    from castalia.model.amount import format_bytes

    columns = [
        ("repository", field("repository_name")),
        ("name", field("facts.name")),
        ("format", field("facts.format")),
        ("size", lambda v: format_bytes(v["facts"]["capacity_bytes"])),
        ("on disk", lambda v: format_bytes(v["facts"]["allocation_bytes"])),
        ("used by", field("used_by")),
    ]
    path = f"/repositories/{address(repository)}/volumes" if repository else "/volumes"
    items = STATE.client.pages(path, limit=limit, filter=filter)
    show_list(items, columns, empty="No volume.", searched=filter)


@volumes.command("create")
def create_volume(
    volume: VolumeRef,
    size: Annotated[str, typer.Argument(help="For example 20G.")],
    format: Annotated[str, typer.Option(help="qcow2 or raw.")] = "qcow2",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make a blank volume."""
    from castalia.cli import follow
    from castalia.model.amount import parse_bytes

    repository, name = _split(volume)
    size_bytes = parse_bytes(size, field="size", default_unit="g")
    body = {"name": name, "size_bytes": size_bytes, "format": format}
    path = f"/repositories/{address(repository)}/volumes"
    answer = STATE.client.change("POST", path, plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@volumes.command("chain")
def show_chain(volume: VolumeRef) -> None:
    """List a volume and the volumes that it is based on."""
    from castalia.cli.output import field, show_list
    from castalia.model.amount import format_bytes

    repository, name = _split(volume)
    columns = [
        ("repository", field("repository_name")),
        ("name", field("facts.name")),
        ("on disk", lambda v: format_bytes(v["facts"]["allocation_bytes"])),
        ("used by", field("used_by")),
    ]
    path = f"/repositories/{address(repository)}/volumes/{name}/chain"
    show_list(STATE.client.get(path), columns, empty="No volume.")


@volumes.command("grow")
def grow_volume(volume: VolumeRef, size: str, plan: PlanOnly = False, wait: Wait = True) -> None:
    """Make a volume larger."""
    from castalia.cli import follow
    from castalia.model.amount import parse_bytes

    repository, name = _split(volume)
    body = {"size_bytes": parse_bytes(size, field="size", default_unit="g")}
    path = f"/repositories/{address(repository)}/volumes/{name}"
    answer = STATE.client.change("PATCH", path, plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@volumes.command("delete")
def delete_volume(
    volume: VolumeRef, yes: Yes = False, plan: PlanOnly = False, wait: Wait = True
) -> None:
    """Delete a volume that nobody uses."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Delete {volume} and what is on it?", abort=True)
    repository, name = _split(volume)
    path = f"/repositories/{address(repository)}/volumes/{name}"
    answer = STATE.client.change("DELETE", path, plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@volumes.command("import")
def import_volume(
    repository: RepositoryRef,
    source: Annotated[str, typer.Argument(help="A file here (it is uploaded), or a URL.")],
    name: Annotated[str, typer.Option(help="Its name, if not the file's.")] = "",
    checksum: Annotated[str, typer.Option(help="sha256:… or sha512:…")] = "",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Bring an ISO or a disk image into a repository."""
    from castalia.cli import follow
    from castalia.cli.upload import source_of

    name = name or source.rpartition("/")[2]
    body = source_of(source, plan=plan) | {"name": name, "checksum": checksum}
    path = f"/repositories/{address(repository)}/isos"
    answer = STATE.client.change("POST", path, plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


def _split(volume: str) -> tuple[str, str]:
    repository, slash, name = volume.rpartition("/")
    if not slash:
        raise typer.BadParameter("Write REPOSITORY/NAME.")
    return repository, name
