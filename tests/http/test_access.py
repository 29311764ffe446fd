"""Logging in, users, tokens and keys over HTTP."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from tests.http.conftest import PASSWORD, World

from castalia.model.access import Role

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5rq8rPiFmMBQ0hsRyBs0PBNQgFUOfvcAHwHbU0ph1G a@b"


@pytest.fixture
def browser(world: World) -> Iterator[TestClient]:
    """A client with cookies of its own."""
    client = TestClient(world.app, base_url="https://localhost")
    client.headers["Origin"] = "https://localhost"
    yield client
    client.close()


def log_in(browser: TestClient, user: str = "operator", password: str = PASSWORD) -> str:
    answer = browser.post("/api/v1/session", json={"user": user, "password": password})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["csrf_token"])


def test_a_browser_logs_in_changes_something_and_logs_out(browser: TestClient) -> None:
    answer = browser.post("/api/v1/session", json={"user": "operator", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "secure", "path=/"):
        assert part in cookie
    token = answer.json()["csrf_token"]
    assert browser.get("/api/v1/session").json()["role"] == "operator"
    refused = browser.post("/api/v1/ssh-keys", json={"name": "k", "public_key": KEY})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    csrf = {"X-CSRF-Token": token}
    body = {"name": "browser", "public_key": KEY}
    assert browser.post("/api/v1/ssh-keys", json=body, headers=csrf).status_code == 201
    secret = browser.cookies["castalia_session"]
    assert browser.delete("/api/v1/session", headers=csrf).status_code == 204
    assert "castalia_session" not in browser.cookies
    browser.cookies.set("castalia_session", secret)
    assert browser.get("/api/v1/session").status_code == 401


def test_the_events_stream_knows_the_browser_by_its_cookie(world: World) -> None:
    assert world.client.get("/api/v1/events").status_code == 401


def test_a_wrong_password_and_an_unknown_user_look_alike(browser: TestClient) -> None:
    answers = [
        browser.post("/api/v1/session", json={"user": user, "password": "wrong"})
        for user in ("viewer", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = ({**a.json(), "request_id": ""} for a in answers)
    assert first == second


def test_guessing_is_slowed_down(world: World, browser: TestClient) -> None:
    body = {"user": "guessed", "password": "wrong"}
    statuses = [browser.post("/api/v1/session", json=body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = browser.post("/api/v1/session", json=body)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["code"] == "too-many-attempts"


def test_another_site_cannot_log_a_browser_in(browser: TestClient) -> None:
    body = {"user": "operator", "password": PASSWORD}
    headers = {"Origin": "https://evil.example.org"}
    assert browser.post("/api/v1/session", json=body, headers=headers).status_code == 403


def test_users_come_change_and_go(world: World) -> None:
    body = {"name": "bob", "password": "a rather long one", "role": "viewer"}
    made = world.call("POST", "/users", json=body)
    assert (made.status_code, made.json()["role"]) == (201, "viewer")
    assert "password" not in made.text
    assert world.call("POST", "/users", json=body).json()["code"] == "user.name-taken"
    path = made.headers["location"].removeprefix("/api/v1")
    shown = world.call("GET", path)
    tag = {"If-Match": shown.headers["etag"]}
    assert world.call("PATCH", path, json={"role": "operator"}, headers=tag).status_code == 200
    assert world.call("PATCH", path, json={"role": "admin"}, headers=tag).status_code == 412
    names = [user["name"] for user in world.call("GET", "/users").json()["items"]]
    assert "bob" in names
    assert world.call("DELETE", path).status_code == 204
    assert world.call("GET", path).status_code == 404


def test_the_last_administrator_stays(world: World) -> None:
    answer = world.call("PATCH", "/users/admin", json={"role": "viewer"})
    assert (answer.status_code, answer.json()["code"]) == (409, "user.last-admin")


def test_only_administrators_see_users_and_the_audit(world: World) -> None:
    for path in ("/users", "/audit"):
        assert world.call("GET", path, role=Role.OPERATOR).status_code == 403
        assert world.call("GET", path).status_code == 200


def test_a_token_works_until_it_is_revoked(world: World) -> None:
    body = {"name": "ci", "role": "viewer", "days": 1}
    made = world.call("POST", "/tokens", json=body, role=Role.OPERATOR)
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert world.client.get("/api/v1/vms", headers=headers).status_code == 200
    assert made.json()["secret"] not in world.call("GET", "/tokens", role=Role.OPERATOR).text
    token = made.json()["token"]["id"]
    assert world.call("DELETE", f"/tokens/{token}", role=Role.VIEWER).status_code == 404
    assert world.call("DELETE", f"/tokens/{token}", role=Role.OPERATOR).status_code == 204
    assert world.client.get("/api/v1/vms", headers=headers).status_code == 401


def test_a_token_is_never_above_its_user(world: World) -> None:
    body = {"name": "up", "role": "admin"}
    answer = world.call("POST", "/tokens", json=body, role=Role.OPERATOR)
    assert (answer.status_code, answer.json()["field"]) == (403, "role")


def test_public_keys_are_looked_at(world: World) -> None:
    bad = world.call("POST", "/ssh-keys", json={"name": "bad", "public_key": "ssh-rsa no"})
    assert (bad.status_code, bad.json()["field"]) == (422, "public_key")
    good = world.call("POST", "/ssh-keys", json={"name": "good", "public_key": KEY})
    assert good.status_code == 201
    assert "good" in [key["name"] for key in world.call("GET", "/ssh-keys").json()]
    assert world.call("DELETE", "/ssh-keys/good").status_code == 204


def test_ones_own_password_is_changed_with_the_old_one(world: World, browser: TestClient) -> None:
    world.call("POST", "/users", json={"name": "carol", "password": PASSWORD})
    csrf = {"X-CSRF-Token": log_in(browser, "carol")}
    body = {"current": "wrong", "new": "an even longer one"}
    wrong = browser.put("/api/v1/session/password", json=body, headers=csrf)
    assert wrong.status_code == 401
    body["current"] = PASSWORD
    right = browser.put("/api/v1/session/password", json=body, headers=csrf)
    assert right.status_code == 204
    log_in(browser, "carol", "an even longer one")


def test_changes_are_in_the_audit(world: World) -> None:
    world.call("POST", "/ssh-keys", json={"name": "audited", "public_key": KEY})
    entries = world.call("GET", "/audit?filter=action:ssh_key_add").json()["items"]
    (entry,) = [one for one in entries if one["target"] == "audited"]
    assert (entry["user_name"], entry["channel"], entry["outcome"]) == ("admin", "api", "done")
    assert entry["source"] == "testclient"


def test_a_change_that_the_role_forbids_is_in_the_audit(world: World) -> None:
    world.call("DELETE", "/vms/no-such-vm", role=Role.VIEWER)
    world.call("GET", "/users", role=Role.VIEWER)
    entries = world.call("GET", "/audit?filter=outcome:refused").json()["items"]
    refused = [(one["action"], one["target"]) for one in entries if one["detail"] == "forbidden"]
    assert ("delete_vm", "/api/v1/vms/no-such-vm") in refused
    assert not [target for _, target in refused if target.endswith("/users")]
