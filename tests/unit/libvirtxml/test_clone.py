"""A clone shares nothing that can be written."""

import pytest
from tests.unit.libvirtxml.domains import DISK, DRIVE, NIC, domain

from castalia.errors import InvalidRequest
from castalia.libvirtxml.clone import cloned
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_read import definition

_MAC = "52:54:00:00:00:01"


def _cloned(text: str, **parts: object) -> str:
    usual = {"name": "web2", "uuid": "u2", "macs": [_MAC], "paths": {"/a.img": "/b.img"}}
    return cloned(text, **{**usual, **parts})  # type: ignore[arg-type] # of several types


def test_identity_disks_and_cards_are_new() -> None:
    found = definition(_cloned(domain(devices=DISK + DRIVE + NIC).text()))
    assert (found.name, found.uuid) == ("web2", "u2")
    assert [disk.source for disk in found.disks] == ["/b.img", ""]
    assert [nic.mac for nic in found.nics] == [_MAC]


def test_a_writable_disk_without_a_copy_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="vda"):
        _cloned(domain(devices=DISK + NIC).text(), paths={})


@pytest.mark.parametrize("mark", ["<readonly/>", "<shareable/>"])
def test_other_disks_are_shared(mark: str) -> None:
    text = domain(devices=DISK.replace("</disk>", f"{mark}</disk>") + NIC).text()
    assert Domain(_cloned(text, paths={})).disk("vda").source == "/a.img"


@pytest.mark.parametrize("macs", [[], [_MAC, _MAC]])
def test_an_address_for_each_card(macs: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="1 network cards"):
        _cloned(domain(devices=DISK + NIC).text(), macs=macs)


def test_a_generation_id_is_made_anew() -> None:
    text = domain("<genid>g1</genid>", devices=DISK + NIC).text()
    assert Domain(_cloned(text)).genid not in {"", "g1"}
    assert Domain(_cloned(domain(devices=DISK + NIC).text())).genid == ""
