"""A real host in trouble under a real manager: its libvirtd dies, its disk is full."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.manager_process import ManagerProcess

from castalia.lab.host import LabHost

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SMALL = "/var/lib/libvirt/small"
FILLER = ".filler"  # `ls` leaves it out; a reading of the host may list it
MIB = 1024**2


@pytest.fixture(scope="module")
def manager(
    lab_host: LabHost, micro_image: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ManagerProcess]:
    """A manager with the lab host as `h1` and the template `micro`."""
    manager = ManagerProcess(tmp_path_factory.mktemp("state"))
    try:
        manager.start()
        manager.done("POST", "/hosts", json={"name": "h1", "uri": lab_host.uri})
        template = {"name": "micro", "source": {"path": str(micro_image)}, "default_size": "micro"}
        manager.done("POST", "/templates", json=template)
        yield manager
        for vm in manager.items("/vms"):
            manager.done("DELETE", f"/vms/{vm['id']}", params={"force": True})
    finally:
        manager.close()


def states(manager: ManagerProcess) -> dict[str, str]:
    """The manager's list of VMs."""
    return {vm["name"]: vm["state"] for vm in manager.items("/vms")}


def host_state(manager: ManagerProcess) -> str:
    """What the manager says of the host."""
    return str(manager.get("/hosts/h1")["state"])


def run(host: LabHost, *argv: str) -> str:
    """A program on the host, which must succeed."""
    result = host.exec(list(argv))
    assert result.returncode == 0, result.stderr
    return result.stdout.decode()


def process_of(host: LabHost, name: str) -> int:
    """The process that is the VM's guest."""
    (pid,) = (
        pid
        for pid in host.processes(name="qemu-system-x86")
        if f"guest={name},".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return pid


def test_libvirtd_dies_and_comes_back(manager: ManagerProcess, lab_host: LabHost) -> None:
    for name, start in (("kept", True), ("ended", True), ("off", False)):
        spec = {"name": name, "host": "h1", "template": "micro", "memory_mib": 128, "start": start}
        manager.done("POST", "/vms", json={"spec": spec})
    assert states(manager) == {"kept": "running", "ended": "running", "off": "stopped"}
    guests = set(lab_host.processes(name="qemu-system-x86"))

    lab_host.kill_libvirtd()
    manager.until(lambda: host_state(manager) == "unreachable", "the loss to be seen")
    unknown = dict.fromkeys(("kept", "ended", "off"), "unknown")
    manager.until(lambda: states(manager) == unknown, "the VMs to be unknown")
    assert set(lab_host.processes(name="qemu-system-x86")) == guests
    os.kill(process_of(lab_host, "ended"), signal.SIGKILL)

    lab_host.restart_libvirtd()
    manager.until(lambda: host_state(manager) == "up", "the host to be back")
    right = {"kept": "running", "ended": "crashed", "off": "stopped"}
    manager.until(lambda: states(manager) == right, "the VMs to be right")
    assert len(guests & set(lab_host.processes(name="qemu-system-x86"))) == 1
    manager.done("POST", "/vms/kept/stop", json={})
    assert states(manager)["kept"] == "stopped"


@pytest.fixture
def room(manager: ManagerProcess, lab_host: LabHost, micro_image: Path) -> Iterator[str]:
    """A repository with room for the disk of the template `other` and 1 MiB more."""
    other = {"name": "other", "source": {"path": str(micro_image)}, "default_size": "micro"}
    manager.done("POST", "/templates", json=other)
    size = manager.get("/templates/other")["size_bytes"] + MIB
    run(lab_host, "mkdir", "-p", SMALL)
    run(lab_host, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", SMALL)
    manager.done("POST", "/repositories", json={"host": "h1", "name": "small", "path": SMALL})
    yield "small"
    manager.done("DELETE", "/templates/other")
    manager.done("DELETE", "/repositories/small")
    run(lab_host, "umount", SMALL)


def create_ten(manager: ManagerProcess, repository: str) -> dict[str, object]:
    """The job that makes ten stopped VMs in the repository, once it has ended."""
    spec = {
        "name": "full-{n:02}",
        "host": "h1",
        "repository": repository,
        "template": "other",
        "memory_mib": 128,
        "start": False,
    }
    return manager.end(manager.begin("POST", "/vms", json={"spec": spec, "count": 10}))


def check_nothing_left(manager: ManagerProcess, host: LabHost, repository: str) -> list[str]:
    """No VM of the job, neither here nor there; returns the files that the repository holds."""
    assert not [name for name in states(manager) if name.startswith("full")]
    assert "full" not in run(host, "virsh", "list", "--all", "--name")
    files = sorted(run(host, "ls", SMALL).split())
    known = manager.items("/volumes")
    assert files == sorted(
        volume["facts"]["name"]
        for volume in known
        if volume["repository_name"] == repository and volume["facts"]["name"] != FILLER
    )
    return files


def test_the_disk_fills_up_while_vms_are_made(
    manager: ManagerProcess, lab_host: LabHost, room: str
) -> None:
    job = create_ten(manager, room)
    assert (job["state"], job["error_code"]) == ("failed", "storage.full")
    assert job["remedy"]
    left = check_nothing_left(manager, lab_host, room)
    assert [name.partition("-")[0] for name in left] == ["template"]


def test_the_disk_fills_up_while_the_template_is_copied(
    manager: ManagerProcess, lab_host: LabHost, room: str
) -> None:
    run(lab_host, "fallocate", "-l", str(2 * MIB), f"{SMALL}/{FILLER}")
    job = create_ten(manager, room)
    assert (job["state"], job["error_code"]) == ("failed", "storage.full")
    assert check_nothing_left(manager, lab_host, room) == []
    run(lab_host, "rm", f"{SMALL}/{FILLER}")
