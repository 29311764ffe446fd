"""Sessions: login, throttling, sliding expiry."""

import pytest
from tests.unit.services.conftest import ADMIN, SETTINGS, Access, Clock

from castalia.db import users
from castalia.errors import TooManyAttempts, Unauthenticated
from castalia.model.access import Role

RIGHT, WRONG = "alice's password", "wrong password"


def fail(access: Access, name: str = "alice", *, source: str = "a", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            access.sessions.login(name, WRONG, source=source)


def test_a_login_is_who_one_is(access: Access) -> None:
    opened = access.sessions.login("alice", RIGHT, source="10.0.0.9", agent="browser")
    known = access.sessions.principal(opened.secret, source="10.0.0.9")
    assert known == opened.principal
    assert (known.user_name, known.role, known.channel) == ("alice", Role.OPERATOR, "web")
    assert opened.secret not in repr(opened)
    assert access.audited()[-1] == ("alice", "login", "alice", "done")
    assert access.users.get("alice", principal=ADMIN).last_login_at is not None


@pytest.mark.parametrize("name", ["alice", "nobody", "", "al\0ice", "\ud800", "x" * 500])
def test_every_refusal_sounds_the_same(access: Access, name: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        access.sessions.login(name, WRONG)
    assert refused.value.message == "The user name or the password is wrong."
    assert access.audited()[-1][1:] == ("login", access.audited()[-1][2], "refused")


def test_a_disabled_user_is_refused_like_a_wrong_password(access: Access) -> None:
    opened = access.sessions.login("alice", RIGHT)
    access.users.edit("alice", disabled=True, principal=ADMIN)
    with pytest.raises(Unauthenticated):
        access.sessions.principal(opened.secret)
    with pytest.raises(Unauthenticated) as refused:
        access.sessions.login("alice", RIGHT)
    assert refused.value.message == "The user name or the password is wrong."


def test_a_disabled_user_is_nobody_even_with_a_session(access: Access) -> None:
    opened = access.sessions.login("alice", RIGHT)
    with access.database.write() as connection:
        users.update(connection, opened.principal.user_id, disabled=True)
    with pytest.raises(Unauthenticated):
        access.sessions.principal(opened.secret)


def test_an_unknown_user_costs_a_hash_too(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    passwords = access.sessions._passwords
    verify = passwords._hasher.verify
    monkeypatch.setattr(passwords, "_hasher", Spy(verify, asked))
    fail(access, "nobody")
    (hashed,) = asked
    assert hashed is not None
    assert hashed.startswith("$argon2id$")


class Spy:
    """A hasher that notes what it was asked to check."""

    def __init__(self, verify: object, asked: list[str | None]) -> None:
        self._verify, self._asked = verify, asked

    def verify(self, hashed: str, password: str) -> bool:
        """Notes the hash, and checks."""
        self._asked.append(hashed)
        return bool(self._verify(hashed, password))  # type: ignore[operator]  # a bound method


def test_failures_end_in_a_pause_even_for_the_right_password(access: Access, clock: Clock) -> None:
    fail(access, times=SETTINGS.failures_allowed)
    with pytest.raises(TooManyAttempts) as refused:
        access.sessions.login("alice", RIGHT, source="a")
    assert "60 seconds" in refused.value.remedy
    assert access.audited()[-1][3] == "refused"
    clock.move(SETTINGS.throttle_s + 1)
    assert access.sessions.login("alice", RIGHT, source="a")


def test_a_stranger_does_not_lock_a_user_out(access: Access) -> None:
    fail(access, times=SETTINGS.failures_allowed, source="elsewhere")
    assert access.sessions.login("alice", RIGHT, source="home")


def test_an_address_that_tries_many_users_is_stopped(access: Access) -> None:
    for number in range(SETTINGS.failures_allowed * 4):
        fail(access, f"user{number}")
    with pytest.raises(TooManyAttempts):
        access.sessions.login("alice", RIGHT, source="a")
    assert access.sessions.login("alice", RIGHT, source="b")


def test_a_user_tried_from_everywhere_is_protected(access: Access) -> None:
    for number in range(SETTINGS.failures_allowed * 10):
        fail(access, source=f"a{number}")
    with pytest.raises(TooManyAttempts):
        access.sessions.login("alice", RIGHT, source="home")


def test_a_right_password_does_not_wash_an_address_clean(access: Access) -> None:
    for number in range(SETTINGS.failures_allowed * 4):
        access.sessions.login("alice", RIGHT, source="a")
        fail(access, f"user{number}")
    with pytest.raises(TooManyAttempts):
        access.sessions.login("alice", RIGHT, source="a")


def test_use_keeps_a_session_alive_and_disuse_ends_it(access: Access, clock: Clock) -> None:
    opened = access.sessions.login("alice", RIGHT)
    nearly_s = SETTINGS.session_hours * 3600 - 10
    for _ in range(3):
        clock.move(nearly_s)
        assert access.sessions.principal(opened.secret)
    clock.move(SETTINGS.session_hours * 3600 + 1)
    with pytest.raises(Unauthenticated) as ended:
        access.sessions.principal(opened.secret)
    assert ended.value.code == "session-ended"


def test_a_role_applies_at_once(access: Access) -> None:
    opened = access.sessions.login("alice", RIGHT)
    access.users.edit("alice", role=Role.VIEWER, principal=ADMIN)
    assert access.sessions.principal(opened.secret).role is Role.VIEWER


def test_logging_out_ends_one_session_or_all(access: Access) -> None:
    first, second, third = (access.sessions.login("alice", RIGHT) for _ in range(3))
    access.sessions.logout(principal=first.principal)
    with pytest.raises(Unauthenticated):
        access.sessions.principal(first.secret)
    assert len(access.sessions.list(principal=second.principal)) == 2
    assert access.sessions.logout_everywhere(principal=second.principal) == 2
    with pytest.raises(Unauthenticated):
        access.sessions.principal(third.secret)
