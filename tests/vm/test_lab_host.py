"""A lab host: up, crashed, restarted, cleared away."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab_fixture import STATE_DIR, new_lab_host

from castalia.errors import Conflict
from castalia.lab import namespace
from castalia.lab.host import LabHost
from castalia.lab.sweep import sweep

pytestmark = pytest.mark.real

_DOMAIN = """
<domain type='qemu'>
  <name>bare</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><serial type='pty'/></devices>
</domain>
"""


def virsh(host: LabHost, *words: str) -> str:
    done = subprocess.run(
        ["virsh", "--quiet", "--connect", host.uri, *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def fresh_host(lab):
    host = new_lab_host("fresh")
    host.start()
    yield host
    host.stop()


@pytest.fixture
def running_vm(fresh_host, tmp_path):
    file = tmp_path / "bare.xml"
    file.write_text(_DOMAIN)
    virsh(fresh_host, "define", str(file))
    virsh(fresh_host, "start", "bare")
    return fresh_host


def traces(name: str) -> list[str]:
    """Whatever of a host this machine still shows: processes, mounts, namespaces, cgroups,
    files."""
    places = [Path("/proc/self/mountinfo").read_text(), _ip_netns(), *_environments()]
    shown = [text for text in places if name in text]
    groups = Path("/sys/fs/cgroup").glob(f"**/castalia-lab-{name}")
    return [*shown, *map(str, groups), *map(str, STATE_DIR.glob(f"*{name}*"))]


def _ip_netns() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout


def _environments() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "environ").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_a_vm_runs_on_it_and_not_on_this_machine(running_vm):
    assert virsh(running_vm, "domstate", "bare").strip() == "running"
    assert len(running_vm.processes(name="qemu-system-x86")) == 1
    assert running_vm.exec(["hostname"]).stdout.decode().strip() == running_vm.name


def test_it_has_a_network_of_its_own(fresh_host):
    inside = fresh_host.exec(["ip", "-brief", "address", "show", "virbr0"])
    assert b"192.168.122.1/24" in inside.stdout
    assert len(fresh_host.processes(name="dnsmasq")) == 2


def test_a_vm_survives_the_death_of_libvirtd(running_vm):
    before = running_vm.processes(name="qemu-system-x86")
    running_vm.kill_libvirtd()
    assert running_vm.processes(name="libvirtd") == []
    assert running_vm.processes(name="qemu-system-x86") == before
    running_vm.restart_libvirtd()
    assert virsh(running_vm, "domstate", "bare").strip() == "running"
    assert running_vm.processes(name="qemu-system-x86") == before


def test_a_libvirtd_that_died_by_itself_is_revived(running_vm: LabHost) -> None:
    assert not running_vm.revive_libvirtd()
    for pid in running_vm.processes(name="libvirtd"):
        namespace.kill(pid)
    assert running_vm.revive_libvirtd()
    running_vm.kill_libvirtd()
    assert not running_vm.revive_libvirtd()
    running_vm.restart_libvirtd()


def test_after_a_crash_it_boots_with_its_definitions(running_vm):
    vm = running_vm.processes(name="qemu-system-x86")[0]
    running_vm.crash()
    assert running_vm.pid is None
    assert not Path(f"/proc/{vm}/exe").exists()
    with pytest.raises(Conflict):
        running_vm.exec(["true"])
    running_vm.start()
    assert virsh(running_vm, "domstate", "bare").strip() == "shut off"


def test_starting_twice_is_starting_once(fresh_host):
    first = fresh_host.pid
    fresh_host.start()
    assert fresh_host.pid == first


def test_a_path_inside_has_a_place_outside(fresh_host):
    fresh_host.exec(["touch", "/var/lib/libvirt/images/x"])
    assert fresh_host.outside("/var/lib/libvirt/images/x").exists()
    assert not Path("/var/lib/libvirt/images/x").exists()


def test_stopping_leaves_nothing(running_vm):
    assert traces(running_vm.name)
    running_vm.stop()
    assert traces(running_vm.name) == []
    running_vm.stop()


_ABANDON = """
import os, signal
from tests.lab_fixture import new_lab_host
host = new_lab_host("abandoned")
host.start()
print(host.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_host_whose_owner_was_killed_is_swept(lab):
    creator = subprocess.run(
        [sys.executable, "-c", _ABANDON],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/sbin:/usr/bin:/bin"},
    )
    name = creator.stdout.strip()
    assert LabHost(name, state_dir=STATE_DIR).pid is not None, creator.stderr
    assert sweep("abandoned", state_dir=STATE_DIR) == [name]
    assert traces(name) == []


def test_a_host_whose_owner_lives_is_not_swept(fresh_host):
    assert sweep("fresh", state_dir=STATE_DIR) == []
    assert fresh_host.pid is not None
