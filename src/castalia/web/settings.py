"""Settings: users, tokens, SSH keys, sizes, and what this manager is."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

import castalia
from castalia.errors import CastaliaError
from castalia.http.problems import status_of
from castalia.model.access import Role
from castalia.model.page import PageRequest
from castalia.model.vm import SIZES
from castalia.web.changes_access import KEY_CHANGES, TOKEN_CHANGES, USER_CHANGES
from castalia.web.command import Command
from castalia.web.visit import AdminVisit, Form, ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
_TABS = (
    ("", "About", Role.VIEWER),
    ("users", "Users", Role.ADMIN),
    ("tokens", "API tokens", Role.VIEWER),
    ("keys", "SSH keys", Role.VIEWER),
    ("password", "Password", Role.VIEWER),
)


def _show(visit: Visit, tab: str, *, status: int = 200, **context: Any) -> Response:
    role = visit.principal.role
    tabs = [(key, label, None) for key, label, needed in _TABS if role.allows(needed)]
    lists = {"users": "user", "tokens": "token", "keys": "ssh-key"}
    words = [lists[tab], "list"] if tab in lists else ["status"]
    path = {"users": "/users", "tokens": "/tokens", "keys": "/ssh-keys"}.get(tab, "/overview")
    return visit.show(
        f"settings/{tab or 'about'}.html",
        status=status,
        tab=tab,
        tabs=tabs,
        command=Command(words=words, path=path),
        **context,
    )


@router.get("/settings")
def about_page(visit: ViewerVisit) -> Response:
    """The manager itself, and the sizes that VMs come in."""
    settings = visit.request.app.state.settings
    return _show(
        visit,
        "",
        version=castalia.__version__,
        database="SQLite" if settings.database_url.startswith("sqlite") else "PostgreSQL",
        settings=settings,
        sizes=list(SIZES.values()),
    )


@router.get("/settings/users")
def users_page(visit: AdminVisit) -> Response:
    """Who may log in, and as what."""
    page = visit.services.users.list(PageRequest(limit=500), principal=visit.principal)
    return _show(visit, "users", users=page.items, changes=USER_CHANGES)


@router.get("/settings/tokens")
def tokens_page(visit: ViewerVisit) -> Response:
    """One's own API tokens."""
    tokens = visit.services.tokens.list(principal=visit.principal)
    return _show(visit, "tokens", tokens=tokens, changes=TOKEN_CHANGES)


@router.get("/settings/keys")
def keys_page(visit: ViewerVisit) -> Response:
    """Public keys that new VMs can be given."""
    keys = visit.services.ssh_keys.list(principal=visit.principal)
    return _show(visit, "keys", keys=keys, changes=KEY_CHANGES)


@router.get("/settings/password")
def password_page(visit: ViewerVisit) -> Response:
    """The form for a new password."""
    return _show(visit, "password", error=None, done=False)


@router.post("/settings/password")
def change_password(visit: ViewerVisit, form: Form) -> Response:
    """Changes one's own password, or says why not."""
    try:
        visit.services.users.change_own_password(
            current=form.get("current", ""), new=form.get("new", ""), principal=visit.principal
        )
    except CastaliaError as error:
        return _show(visit, "password", status=status_of(error), error=error, done=False)
    return _show(visit, "password", error=None, done=True)
