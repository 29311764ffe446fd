"""What can be done with users, API tokens and SSH keys."""

from typing import Any

from castalia.errors import InvalidRequest
from castalia.model.access import Role
from castalia.web.changes import Ask, Change, Field, Shown, by_verb
from castalia.web.command import Command, options

_ROLES = (
    ("viewer", "Viewer: sees everything, changes nothing"),
    ("operator", "Operator: makes and runs VMs"),
    ("admin", "Admin: hosts, networks, users as well"),
)


def _role_field(default: str) -> Field:
    return Field(
        name="role",
        label="Role",
        kind="radio",
        choices=lambda _: _ROLES,
        value=lambda ask: getattr(ask.subject, "role", default),
    )


def _password(ask: Ask) -> str:
    if ask.form.get("password") != ask.form.get("again"):
        raise InvalidRequest("The passwords differ.", field="again", remedy="Type it twice.")
    return ask.form.get("password", "")


def _user_add(ask: Ask) -> None:
    role = Role(ask.text("role", "operator"))
    ask.services.users.create(ask.text("name"), _password(ask), role, principal=ask.principal)


def _user_add_command(ask: Ask) -> Command:
    body: dict[str, Any] = {
        "name": ask.text("name") or "NAME",
        "role": ask.text("role", "operator"),
    }
    words = ["user", "add", body["name"], *options({"role": body["role"]})]
    return Command(words=words, path="/users", method="POST", body=body | {"password": "…"})


def _user_edit(ask: Ask) -> None:
    ask.services.users.edit(
        ask.ref,
        role=Role(ask.text("role")),
        disabled=ask.flag("disabled"),
        principal=ask.principal,
    )


def _days(ask: Ask) -> int:
    text = ask.text("days") or "90"
    if not text.isdecimal():
        remedy = "Write digits only; 0 means never."
        raise InvalidRequest(f"{text!r} is no number.", field="days", remedy=remedy)
    return int(text)


def _token_add(ask: Ask) -> Shown:
    days = _days(ask)
    token, secret = ask.services.tokens.create(
        ask.text("name"), Role(ask.text("role")), days=days, principal=ask.principal
    )
    text = "It is shown this once. Keep it like a password."
    return Shown(title=f"Token {token.name}", secret=secret, text=text)


def _token_add_command(ask: Ask) -> Command:
    body: dict[str, Any] = {
        "name": ask.text("name") or "NAME",
        "role": ask.text("role", "viewer"),
        "days": _days(ask),
    }
    words = ["token", "create", body["name"], *options(body | {"name": ""})]
    return Command(words=words, path="/tokens", method="POST", body=body)


_PASSWORDS = (
    Field(name="password", label="Password", kind="password", required=True),
    Field(name="again", label="Again", kind="password", required=True),
)

USER_CHANGES = by_verb(
    Change(
        noun="user",
        verb="add",
        label="Add a user",
        icon="plus",
        button="Add",
        done="The user was added.",
        role=Role.ADMIN,
        fields=(
            Field(name="name", label="Name", required=True),
            *_PASSWORDS,
            _role_field("operator"),
        ),
        run=_user_add,
        command=_user_add_command,
    ),
    Change(
        noun="user",
        verb="edit",
        label="Edit",
        icon="pencil",
        button="Save",
        done="Saved.",
        role=Role.ADMIN,
        fields=(
            _role_field("viewer"),
            Field(
                name="disabled",
                label="Locked out",
                kind="check",
                value=lambda ask: ask.subject.disabled,
            ),
        ),
        run=_user_edit,
        command=lambda ask: Command(
            words=["user", "edit", ask.subject.name, "--role", ask.text("role", ask.subject.role)],
            path=f"/users/{ask.subject.id}",
            method="PATCH",
            body={"role": ask.text("role", ask.subject.role)},
        ),
    ),
    Change(
        noun="user",
        verb="password",
        label="Set a password",
        icon="lock",
        button="Set",
        done="The password was set; the user's sessions ended.",
        role=Role.ADMIN,
        fields=_PASSWORDS,
        run=lambda ask: ask.services.users.set_password(
            ask.ref, _password(ask), principal=ask.principal
        ),
        command=lambda ask: Command(
            words=["user", "edit", ask.subject.name, "--password"],
            path=f"/users/{ask.subject.id}",
            method="PATCH",
            body={"password": "…"},
        ),
    ),
    Change(
        noun="user",
        verb="remove",
        label="Remove",
        icon="trash",
        done="The user was removed.",
        role=Role.ADMIN,
        danger=True,
        text="The user's sessions and tokens end at once. What the user did stays in the audit.",
        run=lambda ask: ask.services.users.remove(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["user", "remove", ask.subject.name],
            path=f"/users/{ask.subject.id}",
            method="DELETE",
        ),
    ),
)

TOKEN_CHANGES = by_verb(
    Change(
        noun="token",
        verb="add",
        label="New token",
        icon="plus",
        button="Make",
        role=Role.VIEWER,
        text="For programs: sent as Authorization: Bearer. It never may more than you.",
        fields=(
            Field(name="name", label="Name", required=True, placeholder="backup script"),
            _role_field("viewer"),
            Field(
                name="days",
                label="Ends after",
                kind="number",
                value=lambda _: 90,
                hint="Days; 0: never.",
            ),
        ),
        run=_token_add,
        command=_token_add_command,
    ),
    Change(
        noun="token",
        verb="revoke",
        label="Revoke",
        icon="trash",
        done="The token was revoked.",
        role=Role.VIEWER,
        danger=True,
        text="Programs that use the token are locked out at once.",
        run=lambda ask: ask.services.tokens.revoke(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["token", "revoke", ask.ref], path=f"/tokens/{ask.ref}", method="DELETE"
        ),
    ),
)

KEY_CHANGES = by_verb(
    Change(
        noun="ssh-key",
        verb="add",
        label="Add an SSH key",
        icon="plus",
        button="Add",
        done="The key was added.",
        role=Role.VIEWER,
        text="New VMs can be given this public key for their user.",
        fields=(
            Field(name="name", label="Name", required=True, placeholder="laptop"),
            Field(
                name="key",
                label="Public key",
                kind="area",
                required=True,
                placeholder="ssh-ed25519 AAAA…",
            ),
        ),
        run=lambda ask: ask.services.ssh_keys.add(
            ask.text("name"), ask.text("key"), principal=ask.principal
        ),
        command=lambda ask: Command(
            words=["ssh-key", "add", ask.text("name") or "NAME", ask.text("key") or "KEY"],
            path="/ssh-keys",
            method="POST",
            body={"name": ask.text("name"), "key": ask.text("key")},
        ),
    ),
    Change(
        noun="ssh-key",
        verb="remove",
        label="Remove",
        icon="trash",
        done="The key was removed.",
        role=Role.VIEWER,
        danger=True,
        text="VMs that have the key already keep it.",
        run=lambda ask: ask.services.ssh_keys.remove(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["ssh-key", "remove", ask.ref], path=f"/ssh-keys/{ask.ref}", method="DELETE"
        ),
    ),
)
