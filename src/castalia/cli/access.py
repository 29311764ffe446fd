"""`castalia user`, `castalia token` and `castalia context`."""

from typing import Annotated

import typer

from castalia.cli.options import Yes, address
from castalia.cli.state import STATE

users = typer.Typer(no_args_is_help=True, help="Users and their roles.")
tokens = typer.Typer(no_args_is_help=True, help="API tokens.")
contexts = typer.Typer(no_args_is_help=True, help="Which manager the commands talk to.")


@users.command("list")
def list_users() -> None:
    """List users."""
    from castalia.cli.output import age, field, show_list

    columns = [
        ("name", field("name")),
        ("role", field("role")),
        ("disabled", field("disabled")),
        ("last login", lambda u: age(u["last_login_at"])),
    ]
    show_list(STATE.client.pages("/users"), columns, empty="No user.")


@users.command("add")
def add_user(
    name: str, role: Annotated[str, typer.Option(help="admin, operator, viewer.")] = "viewer"
) -> None:
    """Add a user; asks for the password."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    body = {"name": name, "role": role, "password": password}
    _done(STATE.client.change("POST", "/users", json=body), f"{name}: added as {role}.")


@users.command("edit")
def edit_user(
    name: str,
    role: str | None = None,
    disabled: Annotated[bool | None, typer.Option("--disabled/--enabled")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new one.")] = False,
) -> None:
    """Change a user's role or password, or lock them out."""
    body = {"role": role, "disabled": disabled}
    if password:
        body["password"] = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    given = {key: value for key, value in body.items() if value is not None}
    if not given:
        raise typer.BadParameter("Say what to change: --role, --disabled, --password.")
    path = f"/users/{address(name)}"
    _done(STATE.client.change("PATCH", path, json=given), f"{name}: changed.")


@users.command("remove")
def remove_user(name: str, yes: Yes = False) -> None:
    """Remove a user with all their tokens."""
    if not yes:
        typer.confirm(f"Remove user {name} with all tokens?", abort=True)
    _done(STATE.client.change("DELETE", f"/users/{address(name)}"), f"{name}: removed.")


@tokens.command("list")
def list_tokens(
    all_users: Annotated[bool, typer.Option("--all", help="Everybody's; for admins.")] = False,
) -> None:
    """List your tokens."""
    from castalia.cli.output import age, field, moment, show_list

    columns = [
        ("id", field("id")),
        ("name", field("name")),
        ("role", field("role")),
        ("expires", lambda t: moment(t["expires_at"])),
        ("last used", lambda t: age(t["last_used_at"])),
    ]
    items = STATE.client.get("/tokens", all_users=all_users)
    show_list(items, columns, empty="No token yet. Make one: castalia token create NAME")


@tokens.command("create")
def create_token(
    name: str,
    role: Annotated[str, typer.Option(help="admin, operator, viewer.")] = "viewer",
    days: Annotated[int | None, typer.Option(help="Ends after so many; else never.")] = None,
) -> None:
    """Make a token; it is shown this once."""
    from castalia.cli.output import note, show_raw

    body = {"name": name, "role": role, "days": days}
    answer = STATE.client.change("POST", "/tokens", json=body)
    if not show_raw(answer):
        note("Keep it now, it is not shown again:")
        typer.echo(answer["secret"])


@tokens.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Its id; see: castalia token list")],
) -> None:
    """End a token."""
    _done(STATE.client.change("DELETE", f"/tokens/{address(token)}"), "The token is void.")


@contexts.command("list")
def list_contexts() -> None:
    """List contexts."""
    from castalia.cli import config
    from castalia.cli.output import field, show_list

    known = config.load()
    rows = [
        {"name": name, "url": context.url, "current": "*" if name == known.current else ""}
        for name, context in known.contexts.items()
    ]
    columns = [("", field("current")), ("name", field("name")), ("url", field("url"))]
    show_list(rows, columns, empty="No context yet: castalia context add NAME URL")


@contexts.command("add")
def add_context(
    name: str,
    url: str,
    token: Annotated[str, typer.Option(help="API token; asked for if left out.")] = "",
    ca_file: Annotated[str, typer.Option(help="CA that signed the manager's certificate.")] = "",
) -> None:
    """Remember a manager, and use it from now on."""
    from castalia.cli import config

    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("Write the address as http://HOST:PORT or https://HOST:PORT.")
    known = config.load()
    secret = token or typer.prompt("API token", hide_input=True)
    context = config.Context(url=url, token=secret, ca_file=ca_file)
    config.save(config.Config(current=name, contexts=known.contexts | {name: context}))
    _done(None, f"{name}: {url} is used from now on.")


@contexts.command("use")
def use_context(name: str) -> None:
    """Use another manager from now on."""
    from castalia.cli import config

    config.chosen(name)
    config.save(config.Config(current=name, contexts=config.load().contexts))
    _done(None, f"{name} is used from now on.")


@contexts.command("remove")
def remove_context(name: str) -> None:
    """Forget a manager; its token stays valid until it is revoked."""
    from castalia.cli import config

    config.chosen(name)
    known = config.load()
    left = {one: context for one, context in known.contexts.items() if one != name}
    config.save(config.Config(current=known.current, contexts=left))
    _done(None, f"{name}: forgotten.")


def _done(answer: object, text: str) -> None:
    from castalia.cli.output import note, show_raw

    if answer is None or not show_raw(answer):
        note(text)
