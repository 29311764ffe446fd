"""`castalia template`."""

from typing import Annotated, Any

import typer

from castalia.cli.options import Filter, Limit, PlanOnly, TemplateRef, Wait, Yes, address
from castalia.cli.state import STATE

app = typer.Typer(no_args_is_help=True, help="Templates that VMs are made of.")


@app.command("list")
def list_templates(filter: Filter = "", limit: Limit = 100) -> None:
    """List templates."""
    from castalia.cli.output import age, field, show_list
    from castalia.model.amount import format_bytes

    columns = [
        ("name", field("name")),
        ("state", field("state")),
        ("os", field("os")),
        ("disk", lambda t: format_bytes(t["disk_bytes"])),
        ("on disk", lambda t: format_bytes(t["size_bytes"])),
        ("size", field("default_size")),
        ("vms", field("vm_count")),
        ("age", lambda t: age(t["created_at"])),
    ]
    items = STATE.client.pages("/templates", limit=limit, filter=filter)
    show_list(
        items,
        columns,
        empty="No template yet. Build one: castalia template build micro",
        searched=filter,
    )


@app.command()
def builders() -> None:
    """List the templates that can be built here."""
    from castalia.cli.output import field, show_list

    columns = [("name", field("name")), ("title", field("title")), ("os", field("os"))]
    show_list(STATE.client.get("/template-builders"), columns, empty="None.")


@app.command()
def build(
    builder: Annotated[str, typer.Argument(help="micro or debian-12; see: template builders")],
    name: Annotated[str, typer.Option(help="Its name, if not the builder's.")] = "",
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Build a template out of a distribution's packages."""
    from castalia.cli import follow

    body = {"name": name, "source": {"builder": builder}}
    answer = STATE.client.change("POST", "/templates", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command("import")
def import_template(
    name: Annotated[str, typer.Argument(help="The template's name.")],
    source: Annotated[str, typer.Argument(help="A file here (it is uploaded), or a URL.")],
    checksum: Annotated[str, typer.Option(help="sha256:… or sha512:…")] = "",
    os: str | None = None,
    size: Annotated[str | None, typer.Option(help="Default size of its VMs.")] = None,
    user: Annotated[str | None, typer.Option(help="User that seeds make by default.")] = None,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Make a template of a qcow2 or raw image."""
    from castalia.cli import follow
    from castalia.cli.upload import source_of

    origin: dict[str, Any] = source_of(source, plan=plan) | {"checksum": checksum}
    about = {"os": os, "default_size": size, "default_user": user}
    body = {"name": name, "source": origin} | {k: v for k, v in about.items() if v is not None}
    answer = STATE.client.change("POST", "/templates", plan=plan, json=body)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)


@app.command()
def show(template: TemplateRef) -> None:
    """Show one template."""
    from castalia.cli.output import age, show_object
    from castalia.model.amount import format_bytes, format_mib

    item = STATE.client.get(f"/templates/{address(template)}")
    rows = [
        ("name", item["name"]),
        ("title", item["title"]),
        ("id", item["id"]),
        ("state", item["state"]),
        ("os", f"{item['os']} ({item['arch']})"),
        ("disk", format_bytes(item["disk_bytes"])),
        ("on disk", format_bytes(item["size_bytes"])),
        ("sha256", item["sha256"]),
        ("needs", f"at least {format_mib(item['min_memory_mib'])}"),
        ("default size", item["default_size"]),
        ("default user", item["default_user"]),
        ("cloud-init", "yes" if item["cloud_init"] else "no"),
        ("source", item["source"]),
        ("VMs", str(item["vm_count"])),
        ("age", age(item["created_at"])),
    ]
    show_object(item, rows)


@app.command()
def edit(
    template: TemplateRef,
    title: str | None = None,
    os: str | None = None,
    size: Annotated[str | None, typer.Option(help="Default size of its VMs.")] = None,
    user: Annotated[str | None, typer.Option(help="User that seeds make by default.")] = None,
) -> None:
    """Change what is noted about a template; its disk never changes."""
    from castalia.cli.output import note, show_raw

    body = {"title": title, "os": os, "default_size": size, "default_user": user}
    given = {key: value for key, value in body.items() if value is not None}
    if not given:
        raise typer.BadParameter("Say what to change: --title, --os, --size, --user.")
    item = STATE.client.change("PATCH", f"/templates/{address(template)}", json=given)
    if not show_raw(item):
        note(f"{item['name']}: changed.")


@app.command()
def remove(
    template: TemplateRef, yes: Yes = False, plan: PlanOnly = False, wait: Wait = True
) -> None:
    """Remove a template that no VM is based on."""
    from castalia.cli import follow

    if not (yes or plan):
        typer.confirm(f"Remove template {template}?", abort=True)
    answer = STATE.client.change("DELETE", f"/templates/{address(template)}", plan=plan)
    follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)
