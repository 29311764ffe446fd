"""Users: who may change them, and that an administrator always remains."""

import pytest
from tests.unit.services.conftest import ADMIN, SETTINGS, Access

from castalia.db.database import Database
from castalia.errors import (
    Conflict,
    EditConflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Unauthenticated,
)
from castalia.model.access import Principal, Role
from castalia.model.page import PageRequest
from castalia.services.access import AccessService
from castalia.services.audit import AuditService
from castalia.services.passwords import Passwords
from castalia.services.throttle import Throttle

OPERATOR = Principal(user_id="x", user_name="x", role=Role.OPERATOR)


def test_only_administrators_see_and_change_users(access: Access) -> None:
    users = access.users
    with pytest.raises(Forbidden):
        users.list(PageRequest(), principal=OPERATOR)
    with pytest.raises(Forbidden):
        users.get("alice", principal=OPERATOR)
    with pytest.raises(Forbidden):
        users.create("bob", "long enough", Role.VIEWER, principal=OPERATOR)
    with pytest.raises(Forbidden):
        users.edit("alice", role=Role.ADMIN, principal=OPERATOR)
    with pytest.raises(Forbidden):
        users.remove("alice", principal=OPERATOR)
    found = users.list(PageRequest(filter="role:operator"), principal=ADMIN)
    assert [user.name for user in found.items] == ["alice"]


@pytest.mark.parametrize("password", ["short", "x" * 1025, "BobBobBob"])
def test_weak_passwords_are_refused(access: Access, password: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        access.users.create("bobbobbob", password, Role.VIEWER, principal=ADMIN)
    assert refused.value.field == "password"


def test_a_name_is_taken_once(access: Access) -> None:
    with pytest.raises(Conflict):
        access.users.create("alice", "long enough", Role.VIEWER, principal=ADMIN)
    assert access.audited()[-1] == ("root", "user_create", "alice", "refused")


@pytest.mark.parametrize("way", ["demote", "disable", "remove"])
def test_the_last_administrator_stays(access: Access, way: str) -> None:
    def take_away() -> None:
        if way == "demote":
            access.users.edit("root", role=Role.OPERATOR, principal=ADMIN)
        elif way == "disable":
            access.users.edit("root", disabled=True, principal=ADMIN)
        else:
            access.users.remove("root", principal=ADMIN)

    with pytest.raises(Conflict) as refused:
        take_away()
    assert refused.value.code == "user.last-admin"
    access.users.edit("alice", role=Role.ADMIN, principal=ADMIN)
    take_away()


def test_a_disabled_administrator_does_not_count(access: Access) -> None:
    access.users.edit("alice", role=Role.ADMIN, principal=ADMIN)
    access.users.edit("alice", disabled=True, principal=ADMIN)
    with pytest.raises(Conflict):
        access.users.remove("root", principal=ADMIN)


def test_edits_meet(access: Access) -> None:
    access.users.edit("alice", role=Role.VIEWER, expected_revision=1, principal=ADMIN)
    with pytest.raises(EditConflict):
        access.users.edit("alice", role=Role.ADMIN, expected_revision=1, principal=ADMIN)


def test_removal_ends_sessions_and_tokens(access: Access) -> None:
    session = access.sessions.login("alice", "alice's password")
    _, secret = access.tokens.create("t", Role.VIEWER, principal=session.principal)
    access.users.remove("alice", principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.sessions.principal(session.secret)
    with pytest.raises(Unauthenticated):
        access.tokens.principal(secret)
    with pytest.raises(NotFound):
        access.users.get("alice", principal=ADMIN)


def test_a_set_password_ends_the_users_sessions(access: Access) -> None:
    session = access.sessions.login("alice", "alice's password")
    access.users.set_password("alice", "another password", principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.sessions.principal(session.secret)
    assert access.sessions.login("alice", "another password")


def test_changing_ones_own_password_keeps_ones_session_only(access: Access) -> None:
    here = access.sessions.login("alice", "alice's password")
    there = access.sessions.login("alice", "alice's password")
    own = access.users.change_own_password
    with pytest.raises(Unauthenticated):
        own(current="wrong", new="another password", principal=here.principal)
    own(current="alice's password", new="another password", principal=here.principal)
    assert access.sessions.principal(here.secret).user_name == "alice"
    with pytest.raises(Unauthenticated):
        access.sessions.principal(there.secret)
    assert [e[3] for e in access.audited() if e[1] == "password_change"] == ["refused", "done"]


def test_an_api_token_cannot_change_the_password(access: Access) -> None:
    session = access.sessions.login("alice", "alice's password")
    _, secret = access.tokens.create("t", Role.OPERATOR, principal=session.principal)
    by_token = access.tokens.principal(secret)
    with pytest.raises(Forbidden):
        access.users.change_own_password(
            current="alice's password", new="another password", principal=by_token
        )


def test_a_new_installation_gets_one_administrator_once(sqlite_database: Database) -> None:
    users = AccessService(
        sqlite_database,
        audit=AuditService(sqlite_database),
        passwords=Passwords(),
        throttle=Throttle(sqlite_database, SETTINGS),
    )
    first = users.ensure_first_admin()
    assert first is not None
    assert (first.user.name, first.user.role) == ("admin", Role.ADMIN)
    assert first.password not in repr(first)
    assert users.ensure_first_admin() is None


def test_no_secret_is_kept_readable(access: Access) -> None:
    session = access.sessions.login("alice", "alice's password")
    _, token = access.tokens.create("t", Role.VIEWER, principal=session.principal)
    ticket = access.tickets.issue("vm", "vnc", principal=session.principal)
    with access.database.read() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        dump = "\n".join(raw.iterdump())
    for secret in ("alice's password", "alice''s password", session.secret, token, ticket):
        assert secret not in dump
