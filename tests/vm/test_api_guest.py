"""The HTTP API over a real guest: from adding the host to typing on its consoles."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from castalia import console
from castalia.api.app import create_app
from castalia.bootstrap import Manager, build, first_admin
from castalia.lab.host import LabHost
from castalia.settings import Settings

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@dataclass(frozen=True, kw_only=True)
class Api:
    """A manager, and a client that is its administrator."""

    manager: Manager
    client: TestClient

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.client.request(method, f"/api/v1{path}", **more)
        assert answer.is_success, answer.text
        return answer

    def done(self, answer: Any) -> None:
        job = self.manager.engine.wait(answer.json()["id"], timeout_s=120)
        assert job.state == "succeeded", f"{job.error} {job.remedy}"

    def wait(self, come: Callable[[], bool]) -> None:
        """Looks again after every change until `come` says yes."""
        changed = threading.Event()
        end = self.manager.services.events.subscribe(lambda _: changed.set())
        try:
            while not come():
                assert changed.wait(120), "nothing changed any more"
                changed.clear()
        finally:
            end()


@pytest.fixture(scope="module")
def api(lab_host: LabHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    settings = Settings(state_dir=tmp_path_factory.mktemp("state"))
    token = first_admin(settings)["token"]
    manager = build(settings)
    manager.start()
    try:
        app = create_app(manager.services, settings=settings, routers=[console.router])
        headers = {"Authorization": f"Bearer {token}"}
        with TestClient(app, base_url="http://localhost", headers=headers) as client:
            api = Api(manager=manager, client=client)
            api.done(api.call("POST", "/hosts", json={"name": "lab", "uri": lab_host.uri}))
            yield api
    finally:
        manager.stop()


@pytest.fixture(scope="module")
def guest(api: Api, lab_host: LabHost, micro_image: Path) -> Iterator[str]:
    """A running micro guest whose agent answers."""
    disk = lab_host.outside("/var/lib/libvirt/images") / "living.qcow2"
    shutil.copy(micro_image, disk)
    disk.chmod(0o666)
    api.call("POST", "/repositories/lab:default/refresh")
    spec = {
        "name": "living",
        "host": "lab",
        "memory_mib": 160,
        "disks": [{"volume": disk.name, "repository": "default"}],
    }
    api.done(api.call("POST", "/vms", json={"spec": spec}))
    api.wait(lambda: bool(api.call("GET", "/vms/living").json()["agent_connected"]))
    yield "living"
    api.done(api.call("DELETE", "/vms/living?force=true"))
    assert not disk.exists()


def test_a_command_runs_in_the_guest(api: Api, guest: str) -> None:
    answer = api.call("POST", f"/vms/{guest}/exec", json={"argv": ["/bin/uname", "-s"]})
    assert (answer.json()["exit_code"], answer.json()["stdout"]) == (0, "Linux\n")


def test_the_screen_answers_as_vnc_does(api: Api, guest: str) -> None:
    ticket = api.call("POST", f"/vms/{guest}/tickets", json={"kind": "vnc"}).json()
    address = f"ws://localhost{ticket['url']}"
    with api.client.websocket_connect(address, subprotocols=["binary"]) as session:
        assert session.receive_bytes().startswith(b"RFB 003.")
        session.send_bytes(b"RFB 003.008\n")
        offered = session.receive_bytes()
        assert offered[1:2] == b"\x01", "no password is asked for behind a ticket"


def test_one_types_on_the_serial_console(api: Api, guest: str) -> None:
    ticket = api.call("POST", f"/vms/{guest}/tickets", json={"kind": "serial"}).json()
    with api.client.websocket_connect(f"ws://localhost{ticket['url']}") as session:
        session.send_text("\r")
        said = b""
        while b"login" not in said and b"#" not in said:
            said += session.receive_bytes()


def test_the_screen_is_a_png(api: Api, guest: str) -> None:
    picture = api.call("GET", f"/vms/{guest}/screenshot")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


def test_the_guest_has_an_address(api: Api, guest: str) -> None:
    api.wait(lambda: bool(api.call("GET", f"/vms/{guest}").json()["addresses"]))
    assert api.call("GET", f"/vms/{guest}/addresses").json()[0]["ip"]


def test_it_is_edited_while_it_runs(api: Api, guest: str) -> None:
    shown = api.call("GET", f"/vms/{guest}")
    tag = {"If-Match": shown.headers["etag"]}
    change = {"description": "from the API", "tags": ["real"]}
    api.done(api.call("PATCH", f"/vms/{guest}", json=change, headers=tag))
    after = api.call("GET", f"/vms/{guest}").json()
    assert (after["description"], after["tags"]) == ("from the API", ["real"])


def test_it_shuts_down_and_starts(api: Api, guest: str) -> None:
    api.done(api.call("POST", f"/vms/{guest}/shutdown", json={"timeout_s": 60}))
    assert api.call("GET", f"/vms/{guest}").json()["state"] == "stopped"
    api.done(api.call("POST", f"/vms/{guest}/start"))
    assert api.call("GET", f"/vms/{guest}").json()["state"] == "running"
