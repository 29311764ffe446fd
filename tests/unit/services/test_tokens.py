"""API tokens and console tickets."""

import threading

import pytest
from tests.unit.services.conftest import ADMIN, SETTINGS, Access, Clock

from castalia.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated
from castalia.model.access import Principal, Role
from castalia.services.tokens import PREFIX


@pytest.fixture
def alice(access: Access) -> Principal:
    """The operator, logged in."""
    return access.sessions.login("alice", "alice's password", source="10.0.0.9").principal


def test_a_token_stands_for_its_user(access: Access, alice: Principal) -> None:
    token, secret = access.tokens.create("backup", Role.VIEWER, days=30, principal=alice)
    known = access.tokens.principal(secret, source="10.1.1.1")
    assert secret.startswith(PREFIX)
    assert (known.user_name, known.role, known.channel) == ("alice", Role.VIEWER, "api")
    (listed,) = access.tokens.list(principal=alice)
    assert listed.id == token.id
    assert listed.last_used_at is not None


def test_a_token_never_may_more_than_its_user(access: Access, alice: Principal) -> None:
    with pytest.raises(Forbidden):
        access.tokens.create("t", Role.ADMIN, principal=alice)
    _, secret = access.tokens.create("t", Role.OPERATOR, principal=alice)
    access.users.edit("alice", role=Role.VIEWER, principal=ADMIN)
    assert access.tokens.principal(secret).role is Role.VIEWER
    access.users.edit("alice", disabled=True, principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.tokens.principal(secret)


def test_a_token_ends(access: Access, alice: Principal, clock: Clock) -> None:
    _, secret = access.tokens.create("short", Role.VIEWER, days=1, principal=alice)
    _, lasting = access.tokens.create("long", Role.VIEWER, principal=alice)
    clock.move(86_401)
    with pytest.raises(Unauthenticated):
        access.tokens.principal(secret)
    assert access.tokens.principal(lasting)


@pytest.mark.parametrize("secret", ["", "cst_", "cst_x", "nothing", "cst_\ud800"])
def test_an_unknown_secret_is_nobody(access: Access, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        access.tokens.principal(secret)


def test_names_and_days_are_checked(access: Access, alice: Principal) -> None:
    access.tokens.create("t", Role.VIEWER, principal=alice)
    with pytest.raises(Conflict):
        access.tokens.create("t", Role.VIEWER, principal=alice)
    with pytest.raises(InvalidRequest):
        access.tokens.create(" ", Role.VIEWER, principal=alice)
    with pytest.raises(InvalidRequest):
        access.tokens.create("u", Role.VIEWER, days=-1, principal=alice)


def test_tokens_are_revoked_by_their_user_or_an_administrator(
    access: Access, alice: Principal
) -> None:
    token, secret = access.tokens.create("t", Role.VIEWER, principal=alice)
    stranger = Principal(user_id="x", user_name="x", role=Role.OPERATOR)
    with pytest.raises(NotFound):
        access.tokens.revoke(token.id, principal=stranger)
    with pytest.raises(Forbidden):
        access.tokens.list(all_users=True, principal=stranger)
    assert len(access.tokens.list(all_users=True, principal=ADMIN)) == 1
    access.tokens.revoke(token.id, principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.tokens.principal(secret)


def test_a_ticket_is_good_once(access: Access, alice: Principal) -> None:
    secret = access.tickets.issue("vm1", "vnc", principal=alice)
    redeemed = access.tickets.redeem(secret, "vnc")
    assert (redeemed.vm_id, redeemed.kind) == ("vm1", "vnc")
    assert (redeemed.principal.user_name, redeemed.principal.source) == ("alice", "10.0.0.9")
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(secret, "vnc")


def test_of_many_at_once_one_gets_in(access: Access, alice: Principal) -> None:
    secret = access.tickets.issue("vm1", "vnc", principal=alice)
    outcomes: list[bool] = []

    def redeem() -> None:
        try:
            access.tickets.redeem(secret, "vnc")
            outcomes.append(True)
        except Unauthenticated:
            outcomes.append(False)

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]


def test_a_ticket_for_another_console_is_used_up(access: Access, alice: Principal) -> None:
    secret = access.tickets.issue("vm1", "vnc", principal=alice)
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(secret, "serial")
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(secret, "vnc")


def test_a_ticket_waits_only_seconds(access: Access, alice: Principal, clock: Clock) -> None:
    secret = access.tickets.issue("vm1", "vnc", principal=alice)
    clock.move(SETTINGS.ticket_s + 0.1)
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(secret, "vnc")


def test_a_ticket_ends_with_its_users_permission(access: Access, alice: Principal) -> None:
    secret = access.tickets.issue("vm1", "vnc", principal=alice)
    access.users.edit("alice", role=Role.VIEWER, principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(secret, "vnc")
    viewer = Principal(user_id="x", user_name="x", role=Role.VIEWER)
    with pytest.raises(Forbidden):
        access.tickets.issue("vm1", "vnc", principal=viewer)


def test_a_ticket_ends_with_the_token_that_it_was_made_with(
    access: Access, alice: Principal
) -> None:
    made, secret = access.tokens.create("t", Role.OPERATOR, principal=alice)
    by_token = access.tokens.principal(secret)
    unused = access.tickets.issue("vm1", "vnc", principal=by_token)
    ticket = access.tickets.issue("vm1", "vnc", principal=by_token)
    console = access.tickets.redeem(ticket, "vnc").principal
    access.tickets.check(console)
    access.tokens.revoke(made.id, principal=alice)
    with pytest.raises(Unauthenticated):
        access.tickets.redeem(unused, "vnc")
    with pytest.raises(Unauthenticated):
        access.tickets.check(console)


def test_a_console_ends_with_its_users_session(access: Access) -> None:
    session = access.sessions.login("alice", "alice's password")
    ticket = access.tickets.issue("vm1", "vnc", principal=session.principal)
    console = access.tickets.redeem(ticket, "vnc").principal
    access.sessions.logout(principal=session.principal)
    with pytest.raises(Unauthenticated):
        access.tickets.check(console)
