"""A lab and the machine that it is on: its packet filter, its reboot, several who want the same."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from tests.lab_fixture import STATE_DIR, new_lab

from castalia.lab import dhcp, namespace, wires
from castalia.lab.lab import Lab

pytestmark = pytest.mark.real

_FORWARDS = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
_SERVE = """
import socket
with socket.create_server(("", 7600)) as server:
    server.settimeout(30)
    print(server.accept()[1][0])
"""
_ASK = """
import socket, sys, time
deadline = time.monotonic() + 20
while True:
    try:
        socket.create_connection((sys.argv[1], 7600), timeout=5).close()
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline: raise
        time.sleep(0.05)
"""


@pytest.fixture
def lone(lab: None) -> Iterator[Lab]:
    made = new_lab("lone")
    made.up(1)
    yield made
    made.down()


@pytest.fixture
def neighbour(lab: None) -> Iterator[Lab]:
    made = new_lab("next")
    made.up(1)
    yield made
    made.down()


def test_two_labs_have_two_networks(lone: Lab, neighbour: Lab) -> None:
    networks = [IPv4Network(lab.status().subnet) for lab in (lone, neighbour)]
    assert not networks[0].overlaps(networks[1])


@pytest.mark.skipif(not _FORWARDS, reason="this machine does not forward packets")
def test_the_way_out_is_by_the_machines_own_address(lone: Lab, neighbour: Lab) -> None:
    there = neighbour.status()
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(neighbour.host("h1").exec, [sys.executable, "-c", _SERVE])
        asked = lone.host("h1").exec([sys.executable, "-c", _ASK, there.hosts[0].address])
        assert asked.returncode == 0, asked.stderr
        assert serving.result().stdout.decode().strip() == there.gateway


def test_a_lab_is_up_again_after_the_machine_was_down(lone: Lab) -> None:
    before = lone.status()
    (lone.shared / "kept").touch()
    lone.host("h1").crash()
    server = dhcp.pid(lone.directory / "dhcp")
    assert server
    namespace.kill(server)
    wires.remove(before.bridge)
    assert not lone.status().hosts[0].running
    assert lone.up(1) == before
    assert (lone.shared / "kept").exists()
    assert wires.exists(before.bridge)
    assert dhcp.pid(lone.directory / "dhcp") not in (None, server)
    assert lone.host("h1").exec(["true"]).returncode == 0


def test_a_cable_that_the_kernel_has_not_yet_removed_is_no_hindrance(lone: Lab) -> None:
    status = lone.status()
    lone.crash("h1")
    wires.batch(f"link add {status.bridge}-1 type bridge")
    lone.start("h1")
    with socket.create_connection((status.hosts[0].address, 16514), timeout=10):
        pass


_UP_AND_DOWN = """
import sys
from pathlib import Path
from castalia.lab.lab import Lab
lab = Lab(sys.argv[1], state_dir=Path(sys.argv[2]))
getattr(lab, sys.argv[3])()
"""


def test_several_processes_may_want_the_same_at_once(lab: None) -> None:
    wanted = new_lab("many")
    try:
        wanted.up(1)
        together(wanted, "up", "up", "down", "up", "down")
        together(wanted, "up", "up")
        assert [host.running for host in wanted.status().hosts] == [True] * 3
    finally:
        together(wanted, "down", "down")
    assert not wanted.directory.exists()


def together(lab: Lab, *verbs: str) -> None:
    argv = [sys.executable, "-c", _UP_AND_DOWN, lab.name, str(STATE_DIR)]
    running = [subprocess.Popen([*argv, verb], stderr=subprocess.PIPE, text=True) for verb in verbs]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(verbs), errors
