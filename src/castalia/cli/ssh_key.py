"""`castalia ssh-key`: public keys under a name, for new VMs."""

from typing import Annotated

import typer

from castalia.cli.options import Yes, address
from castalia.cli.state import STATE

app = typer.Typer(no_args_is_help=True, help="Public keys that new VMs can be given.")


@app.command("list")
def list_keys() -> None:
    """List keys."""
    from castalia.cli.output import age, field, show_list

    columns = [
        ("name", field("name")),
        ("age", lambda key: age(key["created_at"])),
        ("key", field("public_key")),
    ]
    show_list(STATE.client.get("/ssh-keys"), columns, empty="No key yet.")


@app.command()
def add(
    name: str,
    key: Annotated[str, typer.Argument(help="The public key, or its file.")],
) -> None:
    """Keep a public key; VMs get it by: vm create --ssh-key @NAME."""
    from castalia.cli.output import note, show_raw
    from castalia.cli.vm_body import key_text

    body = {"name": name, "public_key": key_text(key)}
    item = STATE.client.change("POST", "/ssh-keys", json=body)
    if not show_raw(item):
        note(f"{name}: kept. Use it: castalia vm create VM --ssh-key @{name}")


@app.command()
def remove(name: str, yes: Yes = False) -> None:
    """Forget a key; VMs that have it keep it."""
    from castalia.cli.output import note

    if not yes:
        typer.confirm(f"Forget key {name}?", abort=True)
    STATE.client.change("DELETE", f"/ssh-keys/{address(name)}")
    note(f"{name}: forgotten.")
