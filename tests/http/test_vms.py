"""VMs over HTTP, from the request to the host in memory and back."""

from typing import Any

import pytest
from tests.http.conftest import World

from castalia.model.access import Role


def test_a_vm_is_made_shown_and_deleted(world: World) -> None:
    answer = world.call("POST", "/vms", json={"spec": {"name": "one", "memory_mib": 64}})
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    world.done(answer)
    vm = world.call("GET", "/vms/one").json()
    assert (vm["name"], vm["state"], vm["host_name"]) == ("one", "running", "h1")
    assert world.call("GET", f"/vms/{vm['id']}").json()["id"] == vm["id"]
    assert world.call("GET", "/vms/h1:one").json()["id"] == vm["id"]
    assert world.call("GET", "/vms/h1%2Fone").json()["id"] == vm["id"]
    refused = world.call("DELETE", "/vms/one")
    assert refused.status_code == 409
    assert refused.json()["remedy"]
    world.done(world.call("DELETE", "/vms/one?force=true"))
    assert world.call("GET", "/vms/one").status_code == 404


def test_several_are_made_from_a_pattern(world: World) -> None:
    spec = {"name": "many-{n:02}", "memory_mib": 32, "start": False}
    world.done(world.call("POST", "/vms", json={"spec": spec, "count": 3}))
    page = world.call("GET", "/vms?filter=many-&limit=2").json()
    assert [vm["name"] for vm in page["items"]] == ["many-01", "many-02"]
    assert page["total"] == 3
    rest = world.call("GET", f"/vms?filter=many-&limit=2&cursor={page['next_cursor']}").json()
    assert [vm["name"] for vm in rest["items"]] == ["many-03"]
    assert rest["next_cursor"] == ""


def test_the_power_buttons(world: World) -> None:
    world.make_vm("power")
    for action, state in [
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("suspend", "suspended"),
        ("discard", "stopped"),
        ("start", "running"),
        ("stop", "stopped"),
    ]:
        world.done(world.call("POST", f"/vms/power/{action}"))
        assert world.call("GET", "/vms/power").json()["state"] == state


def test_many_at_once(world: World) -> None:
    for name in ("bulk1", "bulk2"):
        world.make_vm(name)
    body = {"action": "start", "refs": ["bulk1", "nobody", "bulk2"]}
    answer = world.call("POST", "/vms/actions", json=body).json()
    assert [error["ref"] for error in answer["errors"]] == ["nobody"]
    assert answer["errors"][0]["status"] == 404
    assert [job["target_name"] for job in answer["jobs"]] == ["bulk1", "bulk2"]


def test_disks_and_network_cards(world: World) -> None:
    world.make_vm("parts")
    body = {"size_bytes": 1 << 30}
    world.done(world.call("POST", "/vms/parts/disks", json=body))
    disks = world.call("GET", "/vms/parts").json()["definition"]["disks"]
    target = disks[-1]["target"]
    world.done(world.call("PATCH", f"/vms/parts/disks/{target}", json={"size_bytes": 2 << 30}))
    world.done(world.call("DELETE", f"/vms/parts/disks/{target}?delete_volume=true"))
    world.done(world.call("POST", "/vms/parts/nics", json={"network": "default"}))
    mac = world.call("GET", "/vms/parts").json()["definition"]["nics"][-1]["mac"]
    world.done(world.call("PATCH", f"/vms/parts/nics/{mac}", json={"link_up": False}))
    assert not world.call("GET", "/vms/parts").json()["definition"]["nics"][-1]["link_up"]
    world.done(world.call("DELETE", f"/vms/parts/nics/{mac}"))
    assert len(world.call("GET", "/vms/parts").json()["definition"]["nics"]) == 1


def test_a_device_is_not_changed_on_top_of_somebody_elses_edit(world: World) -> None:
    world.make_vm("guarded")
    tag = {"If-Match": world.call("GET", "/vms/guarded").headers["etag"]}
    world.done(world.call("PATCH", "/vms/guarded", json={"description": "x"}, headers=tag))
    late = world.call("POST", "/vms/guarded/disks", json={"size_bytes": 1 << 20}, headers=tag)
    assert late.status_code == 412
    late = world.call("DELETE", "/vms/guarded/disks/vda", headers=tag)
    assert late.status_code == 412


@pytest.mark.parametrize("body", [{}, {"size_bytes": 5, "volume": "x"}])
def test_a_disk_change_is_one_or_the_other(world: World, body: dict[str, Any]) -> None:
    answer = world.call("PATCH", "/vms/any/disks/vda", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "size_bytes")


def test_two_edits_at_once(world: World) -> None:
    world.make_vm("edited")
    shown = world.call("GET", "/vms/edited")
    tag = {"If-Match": shown.headers["etag"]}
    world.done(world.call("PATCH", "/vms/edited", json={"description": "first"}, headers=tag))
    late = world.call("PATCH", "/vms/edited", json={"description": "second"}, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "edit-conflict")
    assert world.call("GET", "/vms/edited").json()["description"] == "first"
    same = {"If-None-Match": world.call("GET", "/vms/edited").headers["etag"]}
    assert world.call("GET", "/vms/edited", headers=same).status_code == 304


def test_a_running_vm_is_described_anew_at_once(world: World) -> None:
    world.make_vm("described", start=True)
    change = {"description": "a new text", "tags": ["new"]}
    world.done(world.call("PATCH", "/vms/described", json=change))
    vm = world.call("GET", "/vms/described").json()
    assert (vm["description"], vm["tags"], vm["state"]) == ("a new text", ["new"], "running")


def test_a_request_sent_twice_is_done_once(world: World) -> None:
    body = {"spec": {"name": "twice", "memory_mib": 32, "start": False}}
    key = {"Idempotency-Key": "create-twice"}
    first = world.call("POST", "/vms", json=body, headers=key)
    world.done(first)
    again = world.call("POST", "/vms", json=body, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    other = {"spec": {"name": "thrice", "memory_mib": 32, "start": False}}
    reused = world.call("POST", "/vms", json=other, headers=key)
    assert (reused.status_code, reused.json()["field"]) == (422, "Idempotency-Key")
    by_other = world.call("POST", "/vms", json=body, headers=key, role=Role.OPERATOR)
    assert by_other.json()["code"] == "vm.name-taken"


def test_a_refused_request_may_be_tried_again_with_its_key(world: World) -> None:
    key = {"Idempotency-Key": "refused"}
    for _ in range(2):
        answer = world.call("POST", "/vms/nobody/start", headers=key)
        assert answer.status_code == 404
        assert "idempotency-replayed" not in answer.headers


def test_a_request_that_is_still_answered_is_not_done_twice(world: World) -> None:
    user = world.call("GET", "/session").json()
    principal = world.manager.services.authentication.from_token(
        world.tokens[Role.ADMIN], source=""
    )
    assert user["user_id"] == principal.user_id
    body = b'{"name":"x"}'
    import hashlib

    digest = hashlib.sha256(b"POST\0/api/v1/vms/a/clone\0\0" + body).hexdigest()
    world.manager.services.idempotency.begin("busy", fingerprint=digest, principal=principal)
    headers = {"Idempotency-Key": "busy", "Content-Type": "application/json"}
    answer = world.call("POST", "/vms/a/clone", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.pending")


def test_the_guest_is_asked(world: World) -> None:
    world.make_vm("guest", start=True)
    driver = world.hosts.memory()
    uuid = world.call("GET", "/vms/guest").json()["uuid"]
    driver.agent(uuid, connected=True)
    answer = world.call("POST", "/vms/guest/exec", json={"argv": ["echo", "hi"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["exit_code"] == 0
    keys = world.call("POST", "/vms/guest/keys", json={"keys": ["ctrl", "alt", "delete"]})
    assert keys.status_code == 204
    assert world.call("POST", "/vms/guest/keys", json={"keys": ["no"]}).status_code == 422
    picture = world.call("GET", "/vms/guest/screenshot")
    assert picture.headers["content-type"].startswith("image/")
    xml = world.call("GET", "/vms/guest/xml?live=true")
    assert xml.headers["content-type"].startswith("application/xml")
    assert "<name>guest</name>" in xml.text
    assert world.call("GET", "/vms/guest/addresses").status_code == 200
    assert world.call("GET", "/vms/guest/metrics").json() == []


def test_a_ticket_opens_the_console_once(world: World) -> None:
    world.make_vm("console", start=True)
    ticket = world.call("POST", "/vms/console/tickets", json={"kind": "serial"}).json()
    with world.client.websocket_connect("ws://localhost" + ticket["url"]) as session:
        session.send_bytes(b"\r")
    with world.client.websocket_connect("ws://localhost" + ticket["url"]) as session:
        message = session.receive()
    assert (message["type"], message["code"]) == ("websocket.close", 4401)


def test_unknown_fields_and_wrong_types_are_named(world: World) -> None:
    body = {"spec": {"name": "x", "memory": 64, "disks": [{"size_bytes": "big"}]}}
    answer = world.call("POST", "/vms", json=body)
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"spec.memory", "spec.disks.0.size_bytes"}


def test_a_host_that_is_away_is_said_to_be(world: World) -> None:
    world.make_vm("away")
    driver = world.hosts.memory()
    driver.lose()
    try:
        answer = world.call("GET", "/vms/away/xml")
        assert (answer.status_code, answer.json()["code"]) == (503, "host-unreachable")
        assert world.call("GET", "/vms/away").status_code == 200
    finally:
        driver.return_()
        world.call("POST", "/hosts/h1/reconnect")


def test_viewers_change_nothing(world: World) -> None:
    answer = world.call("POST", "/vms", json={"spec": {"name": "no"}}, role=Role.VIEWER)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
