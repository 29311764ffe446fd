"""What a lab host's libvirt is told, alone and wired."""

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from castalia.errors import Conflict
from castalia.lab import configuration
from castalia.lab.host import LabHost
from castalia.lab.wiring import Wiring


def wiring(*, leases: Path | None = None, shared: tuple[Path, ...] = ()) -> Wiring:
    return Wiring(
        address=IPv4Interface("10.76.0.11/24"),
        mac="0e:ca:00:00:00:01",
        gateway=IPv4Address("10.76.0.1"),
        bridge="lab-x",
        port="lab-x-1",
        certificates=Path("/x/certificates"),
        client=Path("/x/client"),
        names=Path("/x/names"),
        shared=shared,
        leases=leases,
    )


def written(directory: Path, wires: Wiring | None) -> dict[str, str]:
    configuration.write(directory, uuid="u", default_network=False, wiring=wires)
    return {file.name: file.read_text() for file in directory.iterdir()}


def test_a_host_alone_listens_nowhere(tmp_path: Path) -> None:
    files = written(tmp_path, None)
    assert "listen" not in files["libvirtd.conf"]
    assert "lock_manager" not in files["qemu.conf"]


def test_a_wired_host_listens_on_its_address_only(tmp_path: Path) -> None:
    files = written(tmp_path, wiring())
    assert 'listen_addr = "10.76.0.11"' in files["libvirtd.conf"]
    assert "listen_tcp = 0" in files["libvirtd.conf"]
    assert 'migration_host = "10.76.0.11"' in files["qemu.conf"]
    assert "migrate_tls_x509_verify = 1" in files["qemu.conf"]
    assert "qemu-lockd.conf" not in files


def test_leases_are_kept_where_they_are_shared(tmp_path: Path) -> None:
    files = written(tmp_path, wiring(leases=Path("/x/leases")))
    assert 'lock_manager = "lockd"' in files["qemu.conf"]
    assert 'file_lockspace_dir = "/x/leases"' in files["qemu-lockd.conf"]


def test_the_address_for_libvirt_names_the_clients_papers() -> None:
    host = LabHost("h1", state_dir=Path("/x"), wiring=wiring())
    assert host.uri == "qemu+tls://10.76.0.11/system?pkipath=/x/client"
    assert host.local_uri.startswith("qemu+unix:///system?socket=/x/h1/")
    assert LabHost("h1", state_dir=Path("/x")).uri == host.local_uri


@pytest.mark.parametrize("place", ["/run/x", "/var/lib/libvirt/x", "/var/lib/libvirt"])
def test_what_each_host_has_of_its_own_cannot_be_shared(place: str) -> None:
    with pytest.raises(Conflict, match="of their own"):
        LabHost("h1", state_dir=Path("/x"), wiring=wiring(shared=(Path(place),)))
