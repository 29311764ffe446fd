"""Hosts, storage, networks, templates, uploads, jobs, events and the overview over HTTP."""

import hashlib
import json
import threading
from collections.abc import Iterator

import httpx
import pytest
from tests.http.conftest import World

from castalia.api.server import make_server
from castalia.model.access import Role


def test_a_host_is_added_edited_and_removed(world: World) -> None:
    body = {"name": "h2", "uri": "test:///h2", "tags": ["rack-a"]}
    world.done(world.call("POST", "/hosts", json=body))
    shown = world.call("GET", "/hosts/h2")
    assert (shown.json()["state"], shown.json()["tags"]) == ("up", ["rack-a"])
    tag = {"If-Match": shown.headers["etag"]}
    change = {"description": "left"}
    assert world.call("PATCH", "/hosts/h2", json=change, headers=tag).status_code == 200
    assert world.call("PATCH", "/hosts/h2", json=change, headers=tag).status_code == 412
    world.done(world.call("POST", "/hosts/h2/probe"))
    assert world.call("GET", "/hosts/h2/metrics").status_code == 200
    world.done(world.call("DELETE", "/hosts/h2"))
    assert world.call("GET", "/overview").json()["hosts"] == {"up": 1}
    assert world.call("GET", "/hosts/h2").status_code == 404


@pytest.mark.parametrize(
    "uri",
    ["", "nonsense", "qemu+ssh://-oProxyCommand=x/system", "http://x", "qemu+ssh://[x/system"],
)
def test_an_impossible_uri_is_refused(world: World, uri: str) -> None:
    answer = world.call("POST", "/hosts", json={"name": "bad", "uri": uri})
    assert (answer.status_code, answer.json()["field"]) == (422, "uri")
    assert answer.json()["remedy"]


def test_volumes(world: World) -> None:
    volumes = "/repositories/h1:default/volumes"
    world.done(world.call("POST", volumes, json={"name": "data", "size_bytes": 1 << 20}))
    volume = world.call("GET", f"{volumes}/data").json()
    assert (volume["facts"]["capacity_bytes"], volume["used_by"]) == (1 << 20, [])
    world.done(world.call("PATCH", f"{volumes}/data", json={"size_bytes": 2 << 20}))
    assert len(world.call("GET", f"{volumes}/data/chain").json()) == 1
    assert world.call("GET", f"{volumes}?filter=data").json()["total"] == 1
    assert world.call("GET", "/volumes?filter=data").json()["total"] == 1
    world.done(world.call("DELETE", f"{volumes}/data"))
    assert world.call("GET", f"{volumes}/data").status_code == 404


def test_repositories_and_networks(world: World) -> None:
    world.done(
        world.call("POST", "/repositories", json={"host": "h1", "name": "fast", "path": "/srv/f"})
    )
    assert world.call("POST", "/repositories/fast/refresh").json()["path"] == "/srv/f"
    world.done(world.call("DELETE", "/repositories/fast"))
    lab = {"host": "h1", "name": "lab", "kind": "nat", "cidr": "10.9.8.1/24"}
    world.done(world.call("POST", "/networks", json=lab))
    again = world.call("POST", "/networks", json=lab)
    assert (again.status_code, again.json()["code"]) == (409, "network.name-taken")
    assert world.call("GET", "/networks/lab/leases").json() == []
    world.done(world.call("DELETE", "/networks/lab"))


def test_templates_are_asked_for(world: World) -> None:
    builders = {one["name"] for one in world.call("GET", "/template-builders").json()}
    assert {"micro", "debian-12"} <= builders
    job = world.done(world.call("POST", "/templates", json={"source": {"builder": "micro"}}))
    assert job.kind == "template_build"
    two = {"name": "t", "source": {"builder": "micro", "url": "https://example.org/x"}}
    assert world.call("POST", "/templates", json=two).json()["field"] == "source"
    none = {"name": "t", "source": {}}
    assert world.call("POST", "/templates", json=none).status_code == 422
    path = {"name": "t", "source": {"path": "/etc/shadow"}}
    assert world.call("POST", "/templates", json=path, role=Role.OPERATOR).status_code == 403


def test_an_iso_is_asked_for(world: World) -> None:
    isos = "/repositories/h1:default/isos"
    body = {"name": "a.iso", "url": "https://images.example.org/a.iso"}
    assert world.done(world.call("POST", isos, json=body)).kind == "volume_import"
    two = {**body, "upload": "x"}
    assert world.call("POST", isos, json=two).json()["field"] == "source"
    path = {"name": "a.iso", "path": "/etc/shadow"}
    assert world.call("POST", isos, json=path, role=Role.OPERATOR).status_code == 403
    world.done(
        world.call(
            "POST", "/repositories/h1:default/volumes", json={"name": "b", "size_bytes": 1 << 20}
        )
    )
    taken = world.call("POST", isos, json={**body, "name": "b"})
    assert (taken.status_code, taken.json()["code"]) == (409, "volume.name-taken")


def test_an_upload_is_resumed(world: World) -> None:
    content = bytes(range(256)) * 40_000
    size, digest = len(content), hashlib.sha256(content).hexdigest()
    body = {"filename": "disk.raw", "size_bytes": size, "sha256": digest}
    begun = world.call("POST", "/uploads", json=body)
    assert begun.status_code == 201
    path = begun.headers["location"].removeprefix("/api/v1")
    half = {"Upload-Offset": "0"}
    assert world.call("PATCH", path, content=content[: size // 2], headers=half).status_code == 200
    offset = world.call("HEAD", path).headers["upload-offset"]
    assert int(offset) == size // 2
    wrong = world.call("PATCH", path, content=b"x", headers={"Upload-Offset": "7"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "upload.offset")
    rest = world.call(
        "PATCH", path, content=content[int(offset) :], headers={"Upload-Offset": offset}
    )
    assert rest.json()["offset"] == size
    more = world.call("PATCH", path, content=b"x", headers={"Upload-Offset": str(size)})
    assert more.status_code == 422
    upload_id = begun.json()["id"]
    assert world.manager.services.uploads.content(upload_id).read_bytes() == content
    assert world.call("DELETE", path).status_code == 204
    assert world.call("GET", path).status_code == 404


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    blanks = b" " * (5 * 1024**2)
    for content in (blanks, iter([blanks])):
        answer = world.call(
            "POST", "/vms", content=content, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        assert "/api/v1/uploads" in answer.json()["remedy"]


def test_a_job_is_followed(world: World) -> None:
    job = world.done(world.call("POST", "/hosts/h1/probe"))
    shown = world.call("GET", f"/jobs/{job.id}").json()
    assert shown["state"] == "succeeded"
    assert shown["steps"]
    log = world.call("GET", f"/jobs/{job.id}/log").json()
    assert log["next"] == len(log["items"])
    assert world.call("GET", f"/jobs/{job.id}/log?after={log['next']}").json()["items"] == []
    listed = world.call("GET", "/jobs?filter=kind:host_probe").json()["items"]
    assert job.id in [one["id"] for one in listed]
    assert world.call("POST", f"/jobs/{job.id}/retry").status_code == 409


def test_secrets_of_a_job_are_hidden(world: World) -> None:
    url = "https://bob:hunter2@images.example.org/i.qcow2?signature=hunter2"
    answer = world.call("POST", "/templates", json={"name": "secret", "source": {"url": url}})
    job = world.done(answer)
    assert "hunter2" in str(job.args), "the job itself has it"
    texts = [
        answer.text,
        world.call("GET", f"/jobs/{job.id}").text,
        world.call("GET", "/jobs").text,
        world.call("GET", "/overview").text,
        world.call("GET", "/audit").text,
        world.call("GET", "/event-log").text,
    ]
    assert not [text for text in texts if "hunter2" in text]


def test_the_whole_at_a_glance(world: World) -> None:
    world.make_vm("glanced")
    overview = world.call("GET", "/overview").json()
    assert overview["hosts"]["up"] >= 1
    assert sum(overview["vms"].values()) >= 1
    hits = world.call("GET", "/search?q=glanced").json()
    assert ("vm", "glanced") in [(hit["noun"], hit["name"]) for hit in hits]
    assert [size["name"] for size in world.call("GET", "/sizes").json()][:2] == ["micro", "small"]
    assert world.call("GET", "/event-log?limit=1").json()["items"][0]["text"]


def test_prometheus_reads_what_there_is(world: World) -> None:
    assert world.client.get("/metrics").status_code == 401
    text = world.client.get("/metrics", headers=world.as_(Role.VIEWER)).text
    assert 'castalia_hosts{state="up"}' in text
    assert 'castalia_jobs{state="running"}' in text
    assert "castalia_http_request_seconds_bucket" in text
    assert 'handler="list_vms"' in text or 'handler="metrics"' in text


def test_supervisors_are_answered_without_login(world: World) -> None:
    assert world.client.get("/healthz").json() == {"status": "ok"}
    assert world.client.get("/readyz").json() == {"status": "ready"}


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """The same app on a real socket: an endless answer cannot be read in process."""
    settings = world.manager.settings
    free = settings.model_copy(update={"server": settings.server.model_copy(update={"port": 0})})
    server = make_server(world.app, free)
    thread = threading.Thread(target=server.run)
    thread.start()
    ready = threading.Event()
    while not server.started:
        ready.wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_changes_reach_whoever_follows(world: World, address: str) -> None:
    client = httpx.Client(headers=world.as_(Role.VIEWER), timeout=20)
    with client, client.stream("GET", f"{address}/api/v1/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert "event: hello" in [next(lines) for _ in range(5)]
        world.done(world.call("POST", "/vms", json={"spec": {"name": "live", "memory_mib": 32}}))
        nouns = set()
        for line in lines:
            if line.startswith("data: "):
                change = json.loads(line.removeprefix("data: "))
                nouns.add(change["noun"])
            if {"vm", "job", "event"} <= nouns:
                break
