"""The manager is killed while it makes three VMs on a real host. Whatever the moment, there are
three whole VMs in the end or none, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.manager_process import ManagerProcess

from castalia.lab.host import LabHost

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

IMAGES = "/var/lib/libvirt/images"
STEPS = ("record", "disks", "define", "start", "announce")


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
    finally:
        manager.close()


def begin(manager: ManagerProcess, name: str) -> str:
    """Starts the making of NAME-1, NAME-2 and NAME-3."""
    spec = {"name": f"{name}-{{n}}", "host": "h1", "template": "micro", "memory_mib": 128}
    return manager.begin("POST", "/vms", json={"spec": spec, "count": 3})


def definitions(host: LabHost) -> list[str]:
    """The VMs that the host knows."""
    return sorted(host.exec(["virsh", "list", "--all", "--name"]).stdout.decode().split())


def running(host: LabHost) -> list[str]:
    """The VMs that run on the host."""
    return sorted(host.exec(["virsh", "list", "--name"]).stdout.decode().split())


def files(host: LabHost) -> list[str]:
    """What lies in the host's repository, but for disks of templates, which may stay for the
    next."""
    names = host.exec(["ls", IMAGES]).stdout.decode().split()
    return sorted(name for name in names if not name.startswith("template-"))


def volumes(manager: ManagerProcess) -> list[str]:
    """The volumes that the manager knows, but for disks of templates."""
    names = [str(volume["facts"]["name"]) for volume in manager.items("/volumes")]
    return sorted(name for name in names if not name.startswith("template-"))


def check_three(manager: ManagerProcess, host: LabHost, name: str) -> None:
    """Three whole, running VMs, each with its own disk and seed, and nothing else."""
    names = [f"{name}-{number}" for number in (1, 2, 3)]
    vms = manager.items("/vms")
    assert [(vm["name"], vm["state"]) for vm in vms] == [(one, "running") for one in names]
    assert definitions(host) == running(host) == names
    disks = [disk["source"] for vm in vms for disk in vm["definition"]["disks"]]
    assert len(set(disks)) == len(disks) == 6
    assert sorted(Path(disk).name for disk in disks) == files(host) == volumes(manager)
    assert [file.rpartition("-")[2] for file in files(host)] == ["seed.iso", "system.qcow2"] * 3


def check_none(manager: ManagerProcess, host: LabHost) -> None:
    """No VM and nothing of one."""
    assert manager.items("/vms") == []
    assert definitions(host) == files(host) == volumes(manager) == []
    assert host.processes(name="qemu-system-x86") == []


@pytest.fixture(autouse=True)
def no_vms_before(manager: ManagerProcess, lab_host: LabHost) -> None:
    """Deletes the VMs of the test before, of which nothing may be left."""
    for vm in manager.items("/vms"):
        manager.done("DELETE", f"/vms/{vm['id']}", params={"force": True})
    check_none(manager, lab_host)


@pytest.mark.parametrize(
    "step", ["k-1: disks", "k-2: disks", "k-2: define", "k-3: start", "k-3: announce"]
)
def test_killed_once(manager: ManagerProcess, lab_host: LabHost, step: str) -> None:
    job_id = begin(manager, "k")
    manager.kill_in(job_id, step)
    manager.start()
    manager.succeeded(job_id)
    check_three(manager, lab_host, "k")


def test_killed_in_every_step_of_a_vm(manager: ManagerProcess, lab_host: LabHost) -> None:
    job_id = begin(manager, "e")
    for step in STEPS:
        manager.kill_in(job_id, f"e-2: {step}")
        manager.start()
    manager.succeeded(job_id)
    check_three(manager, lab_host, "e")


def test_killed_while_a_cancelled_job_is_undone(manager: ManagerProcess, lab_host: LabHost) -> None:
    job_id = begin(manager, "c")
    manager.until(lambda: manager.has_step(job_id, "c-3: disks"), "the third VM's disks")
    manager.cancel(job_id)
    for step in ("c-3: record", "c-2: define", "c-1: start"):
        manager.kill_after_undo(job_id, step)
        manager.start()
    job = manager.end(job_id)
    assert (job["state"], job["error"]) == ("cancelled", "")
    assert "undo-failed" not in {step["state"] for step in job["steps"]}
    check_none(manager, lab_host)
