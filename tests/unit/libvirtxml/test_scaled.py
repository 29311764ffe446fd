"""libvirt's scaled integers, and memory that keeps its unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import InvalidRequest
from castalia.libvirtxml import scaled
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.targets import free_target


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("", 1024),
        ("b", 1),
        ("bytes", 1),
        ("KB", 1000),
        ("k", 1024),
        ("KiB", 1024),
        ("mb", 1000**2),
        ("MiB", 1024**2),
        ("G", 1024**3),
        ("TiB", 1024**4),
        ("EB", 1000**6),
    ],
)
def test_units(unit: str, expected: int) -> None:
    assert scaled.unit_bytes(unit) == expected


@pytest.mark.parametrize("unit", ["x", "KiBi", "kk", "iB", "-"])
def test_unknown_units_are_refused(unit: str) -> None:
    with pytest.raises(InvalidRequest):
        scaled.unit_bytes(unit)


def test_mib_are_rounded_up() -> None:
    assert scaled.to_mib("1", "KiB") == 1
    assert scaled.to_mib("1024") == 1
    assert scaled.to_mib("1025") == 2


@pytest.mark.parametrize("number", ["", "1.5", "many", "0xzz"])
def test_no_numbers_are_refused(number: str) -> None:
    with pytest.raises(InvalidRequest):
        scaled.to_bytes(number)


@given(st.sampled_from(["", "b", "KiB", "MiB", "GiB", "KB", "TB"]), st.integers(1, 2**22))
def test_memory_is_read_as_written_whatever_unit_was_there(unit: str, memory_mib: int) -> None:
    attribute = f" unit='{unit}'" if unit else ""
    domain = Domain(f"<domain><memory{attribute}>7</memory></domain>")
    domain.memory_mib = memory_mib
    assert Domain(domain.text()).memory_mib == memory_mib


@pytest.mark.parametrize(
    ("bus", "taken", "expected"),
    [
        ("virtio", (), "vda"),
        ("sata", ("sda", "sdc"), "sdb"),
        ("ide", ("hda",), "hdb"),
        ("fdc", (), "fda"),
        ("virtio", tuple(f"vd{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"), "vdaa"),
    ],
)
def test_free_target(bus: str, taken: tuple[str, ...], expected: str) -> None:
    assert free_target(bus, taken=taken) == expected
