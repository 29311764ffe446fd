"""A lab of two hosts: wired, shared, and hit by what happens to hosts."""

import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import libvirt
import pytest
from tests import leaks
from tests.images_fixture import built_image
from tests.lab_fixture import STATE_DIR, new_lab

from castalia.errors import Conflict, NotFound, Unsupported
from castalia.lab import addressing, dhcp, wires
from castalia.lab.authority import authority
from castalia.lab.host import LabHost
from castalia.lab.lab import Lab
from castalia.lab.sweep import sweep

pytestmark = pytest.mark.real

_LIMIT_S = 90
_MOVE = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_TLS
    | libvirt.VIR_MIGRATE_UNSAFE  # the directory is shared, which libvirt cannot see
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
)
_PEER_TO_PEER = libvirt.VIR_MIGRATE_PEER2PEER
_MACS = {"mover": "52:54:00:76:00:01", "other": "52:54:00:76:00:02"}
_DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='{mac}'/><source bridge='br0'/><model type='virtio'/>
    </interface>
    <serial type='pty'/>
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def two_hosts(lab: None) -> Iterator[Lab]:
    made = new_lab("two")
    made.up(2)
    yield made
    made.down()


@contextmanager
def connected(lab: Lab, host: str) -> Iterator[libvirt.virConnect]:
    """To the host, over TLS from this process."""
    with closing(libvirt.open(lab.host(host).uri)) as connection:
        yield connection


def created(lab: Lab, host: str, name: str) -> None:
    """A micro guest on the shared directory, started on the host."""
    disk = lab.shared / f"{name}.qcow2"
    if not disk.exists():
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"]
        subprocess.run([*argv, "-b", str(built_image("micro")), str(disk), "1G"], check=True)
    with connected(lab, host) as connection:
        connection.defineXML(_definition(name, disk)).create()


def _definition(name: str, disk: Path) -> str:
    return _DOMAIN.format(name=name, disk=disk, mac=_MACS.get(name, "52:54:00:76:00:09"))


def state(lab: Lab, host: str, name: str) -> int:
    with connected(lab, host) as connection:
        return connection.lookupByName(name).state()[0]


def given_address(lab: Lab, mac: str) -> str:
    """What DHCP has given; waits until the guest has asked."""
    deadline = time.monotonic() + _LIMIT_S
    while mac not in (guests := lab.status().guests):
        assert time.monotonic() < deadline, "the guest has not asked for an address"
        time.sleep(0.2)
    return guests[mac]


def answers(address: str) -> bool:
    """Whether whoever has the address lets us know that no such port is open, or that it is."""
    with socket.socket() as attempt:
        attempt.settimeout(2)
        try:
            attempt.connect((address, 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def until(wanted: bool, address: str) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while answers(address) != wanted:
        assert time.monotonic() < deadline, f"{address} does not change"


# --- hosts ---
def test_each_host_answers_over_tls_by_its_own_name(two_hosts: Lab) -> None:
    for host in ("h1", "h2"):
        with connected(two_hosts, host) as connection:
            assert connection.getHostname() == f"{two_hosts.name}-{host}"
            assert two_hosts.host(host).uri.startswith("qemu+tls://10.76.")


def test_a_client_of_another_authority_is_refused(two_hosts: Lab, tmp_path: Path) -> None:
    authority(tmp_path / "authority", "other").write_client(tmp_path / "client", "castalia")
    assert is_admitted(two_hosts, two_hosts.client)
    assert not is_admitted(two_hosts, tmp_path / "client")


def is_admitted(lab: Lab, client: Path) -> bool:
    """Whether h1 says yes (libvirt's server sends one byte for that) to a client with these papers.

    Not by libvirt's client: it refuses such papers itself, before any host sees them.
    """
    context = ssl.create_default_context(cafile=lab.client / "cacert.pem")
    context.load_cert_chain(client / "clientcert.pem", client / "clientkey.pem")
    address = lab.status().hosts[0].address
    with (
        socket.create_connection((address, 16514), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address) as encrypted,
    ):
        try:
            return encrypted.recv(1) == b"\1"
        except (ssl.SSLError, ConnectionResetError):
            return False


def test_a_host_of_another_lab_is_not_believed(two_hosts: Lab, tmp_path: Path) -> None:
    authority(tmp_path / "authority", "other").write_client(tmp_path / "client", "castalia")
    uri = two_hosts.host("h1").uri.partition("?")[0]
    with pytest.raises(libvirt.libvirtError, match="certificate"):
        libvirt.open(f"{uri}?pkipath={tmp_path / 'client'}")


def test_hosts_see_the_same_shared_directory(two_hosts: Lab) -> None:
    file = str(two_hosts.shared / "seen")
    assert two_hosts.host("h1").exec(["touch", file]).returncode == 0
    assert two_hosts.host("h2").exec(["rm", file]).returncode == 0


def test_up_again_changes_nothing(two_hosts: Lab) -> None:
    before = [two_hosts.host(host).pid for host in ("h1", "h2")]
    assert two_hosts.up(1) == two_hosts.status()
    assert [two_hosts.host(host).pid for host in ("h1", "h2")] == before


# --- guests ---
@pytest.fixture(scope="module")
def guests(two_hosts: Lab) -> dict[str, str]:
    """The addresses that the VMs `mover` on h1 and `other` on h2 were given."""
    created(two_hosts, "h1", "mover")
    created(two_hosts, "h2", "other")
    return {name: given_address(two_hosts, mac) for name, mac in _MACS.items()}


@pytest.fixture
def vm(two_hosts: Lab, guests: dict[str, str]) -> str:
    """The address of the VM `mover`, which runs on h1."""
    with connected(two_hosts, "h1") as home, connected(two_hosts, "h2") as away:
        if "mover" not in [each.name() for each in home.listAllDomains()]:
            away.lookupByName("mover").migrate3(home, {}, _MOVE)
    until(True, guests["mover"])
    return guests["mover"]


def test_guests_of_all_hosts_get_addresses_of_the_lab(
    two_hosts: Lab, guests: dict[str, str]
) -> None:
    subnet = IPv4Network(two_hosts.status().subnet)
    assert len({IPv4Address(each) for each in guests.values()} & set(subnet.hosts())) == 2
    for address in guests.values():
        until(True, address)


@pytest.mark.parametrize("how", ["managed", "peer to peer"])
def test_a_vm_moves_over_tls_while_it_runs(two_hosts: Lab, vm: str, how: str) -> None:
    with connected(two_hosts, "h1") as source, connected(two_hosts, "h2") as target:
        moving = source.lookupByName("mover")
        if how == "managed":
            moving.migrate3(target, {}, _MOVE)
        else:
            moving.migrateToURI3(two_hosts.host("h2").uri, {}, _MOVE | _PEER_TO_PEER)
        assert [each.name() for each in source.listAllDomains()] == []
    assert state(two_hosts, "h2", "mover") == libvirt.VIR_DOMAIN_RUNNING
    assert answers(vm)


def test_a_vm_does_not_move_to_a_host_with_foreign_papers(
    two_hosts: Lab, vm: str, tmp_path: Path
) -> None:
    papers = two_hosts.directory / "certificates" / "h2" / "qemu"
    kept = shutil.copytree(papers, tmp_path / "kept")
    foreign = authority(tmp_path / "authority", "other")
    try:
        shutil.rmtree(papers)
        foreign.write_host(tmp_path / "h2", "h2", IPv4Address(two_hosts.status().hosts[1].address))
        shutil.copytree(tmp_path / "h2" / "qemu", papers)
        give_to_qemu(papers)
        with (
            connected(two_hosts, "h1") as source,
            connected(two_hosts, "h2") as target,
            pytest.raises(libvirt.libvirtError),
        ):
            source.lookupByName("mover").migrate3(target, {}, _MOVE)
    finally:
        shutil.copytree(kept, papers, dirs_exist_ok=True)
        give_to_qemu(papers)
    assert state(two_hosts, "h1", "mover") == libvirt.VIR_DOMAIN_RUNNING
    until(True, vm)


def give_to_qemu(papers: Path) -> None:
    for file in papers.glob("*-key.pem"):
        shutil.chown(file, "libvirt-qemu")


def test_a_disk_in_use_is_leased(two_hosts: Lab, vm: str) -> None:
    disk = two_hosts.shared / "mover.qcow2"
    assert list((two_hosts.directory / "leases").iterdir())
    with connected(two_hosts, "h2") as other:
        second = other.defineXML(_definition("second", disk))
        with pytest.raises(libvirt.libvirtError, match=r"(?i)lock|busy"):
            second.create()
        second.undefine()
    assert state(two_hosts, "h1", "mover") == libvirt.VIR_DOMAIN_RUNNING


# --- troubles ---
def test_a_cut_host_runs_on_and_is_back_when_healed(two_hosts: Lab, vm: str) -> None:
    qemu = two_hosts.host("h1").processes(name="qemu-system-x86")
    two_hosts.cut("h1")
    assert [host.cut for host in two_hosts.status().hosts] == [True, False]
    until(False, vm)
    assert not answers(two_hosts.status().hosts[0].address)
    assert two_hosts.host("h1").processes(name="qemu-system-x86") == qemu
    two_hosts.heal("h1")
    until(True, vm)
    assert not any(host.cut for host in two_hosts.status().hosts)


def test_a_crashed_host_takes_its_vms_along_and_boots_again(two_hosts: Lab, vm: str) -> None:
    two_hosts.crash("h1")
    assert [host.running for host in two_hosts.status().hosts] == [False, True]
    assert not answers(vm)
    with pytest.raises(Conflict):
        two_hosts.cut("h1")
    created(two_hosts, "h2", "mover")  # its lease died with the host
    assert state(two_hosts, "h2", "mover") == libvirt.VIR_DOMAIN_RUNNING
    two_hosts.start("h1")
    assert state(two_hosts, "h1", "mover") == libvirt.VIR_DOMAIN_SHUTOFF
    with connected(two_hosts, "h1") as connection:
        connection.lookupByName("mover").undefine()


def test_a_host_is_slow_or_the_kernel_is_said_to_be_unable(two_hosts: Lab) -> None:
    if kernel_can_delay(two_hosts):
        two_hosts.slow("h2", 300)
        assert two_hosts.status().hosts[1].delay_ms == 300
        two_hosts.heal("h2")
    else:
        with pytest.raises(Unsupported, match="netem"):
            two_hosts.slow("h2", 300)
    assert two_hosts.status().hosts[1].delay_ms == 0


def kernel_can_delay(lab: Lab) -> bool:
    argv = ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    return lab.host("h1").exec(argv).returncode == 0  # lo: its cable is left as it is


# --- the end ---
@pytest.fixture
def fresh_lab(lab: None) -> Iterator[Lab]:
    made = new_lab("gone")
    yield made
    made.down()


def test_down_leaves_nothing(fresh_lab: Lab) -> None:
    before = traces(fresh_lab)
    status = fresh_lab.up(2)
    created(fresh_lab, "h1", "last")
    fresh_lab.cut("h2")
    assert wires.exists(status.bridge)
    assert traces(fresh_lab) != before
    fresh_lab.down()
    assert traces(fresh_lab) == before == []
    with pytest.raises(NotFound):
        fresh_lab.status()
    fresh_lab.down()


def traces(lab: Lab) -> list[str]:
    """What there is of the lab on this machine, on which others may be at work meanwhile."""
    words = (lab.name, addressing.tag_for(lab.name, lab.directory))
    seen = [item for items in leaks.seen().values() for item in items]
    return [item for item in seen if any(word in item for word in words)]


def test_a_host_that_cannot_boot_leaves_the_lab_as_it_was(
    two_hosts: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = traces(two_hosts)
    boot = LabHost.start

    def start(host: LabHost) -> None:
        boot(host)
        if host.name.endswith("h4"):
            raise Conflict("The fourth is one too many.")

    monkeypatch.setattr(LabHost, "start", start)
    with pytest.raises(Conflict, match="one too many"):
        two_hosts.up(4)
    assert traces(two_hosts) == before
    assert [host.name for host in two_hosts.status().hosts] == ["h1", "h2"]


def test_a_lab_that_cannot_be_made_leaves_nothing(
    fresh_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dhcp, "start", lambda *_: (_ for _ in ()).throw(Conflict("No.")))
    with pytest.raises(Conflict):
        fresh_lab.up(1)
    assert traces(fresh_lab) == []


_ABANDON = """
import os, signal
from tests.lab_fixture import new_lab
lab = new_lab("abandoned")
lab.up(1)
print(lab.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_lab_whose_owner_was_killed_is_swept(lab: None) -> None:
    creator = subprocess.run(
        [sys.executable, "-c", _ABANDON],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/sbin:/usr/bin:/bin"},
    )
    left = Lab(creator.stdout.strip(), state_dir=STATE_DIR)
    assert left.status().hosts[0].running, creator.stderr
    assert sweep("abandoned", state_dir=STATE_DIR) == [left.name]
    assert traces(left) == []
