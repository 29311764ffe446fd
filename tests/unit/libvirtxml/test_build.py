"""Plans that contradict themselves are refused; any other comes back as it was planned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import InvalidRequest
from castalia.libvirtxml.domain_build import build_domain, default_cpu
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan, NicPlan
from castalia.libvirtxml.domain_read import definition
from castalia.libvirtxml.ownership import ownership
from castalia.model.vm import Ownership

_UUID = "6695eb01-f6a4-8304-79aa-97f2502e1931"
# What XML 1.0 can hold, without the blanks that attributes and names would lose.
_WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12).filter(
    lambda text: not set(text) & {"\ufffe", "\uffff"}
)


@pytest.mark.parametrize(
    ("field", "parts"),
    [
        ("memory_mib", {"memory_mib": 0}),
        ("memory_mib", {"memory_mib": 512, "max_memory_mib": 256}),
        ("vcpus", {"vcpus": 0}),
        ("vcpus", {"vcpus": 4, "max_vcpus": 2}),
        ("firmware", {"firmware": "coreboot"}),
        ("boot", {"boot": ("vdq",)}),
        ("disk", {"disks": (DiskPlan(),)}),
        ("description", {"description": "\x00"}),
    ],
)
def test_contradictions_are_refused(field: str, parts: dict[str, object]) -> None:
    usual: dict[str, object] = {"name": "web1", "uuid": _UUID, "memory_mib": 64}
    with pytest.raises(InvalidRequest) as raised:
        build_domain(DomainPlan(**{**usual, **parts}))  # type: ignore[arg-type] # of several types
    assert raised.value.field == field


@given(
    name=_WORDS,
    description=_WORDS,
    memory=st.integers(1, 2**20),
    more=st.integers(0, 2**20),
    vcpus=st.integers(1, 64),
    spare=st.integers(0, 64),
    paths=st.lists(_WORDS, max_size=30, unique=True),
    macs=st.lists(st.integers(0, 255), max_size=8, unique=True),
    tags=st.lists(_WORDS, max_size=5),
)
def test_what_is_planned_is_read(
    name: str,
    description: str,
    memory: int,
    more: int,
    vcpus: int,
    spare: int,
    paths: list[str],
    macs: list[int],
    tags: list[str],
) -> None:
    note = Ownership(template=name, tags=tuple(tags))
    plan = DomainPlan(
        name=name,
        uuid=_UUID,
        description=description,
        memory_mib=memory,
        max_memory_mib=memory + more,
        vcpus=vcpus,
        max_vcpus=vcpus + spare,
        disks=tuple(DiskPlan(path=path) for path in paths),
        nics=tuple(NicPlan(mac=f"52:54:00:00:00:{mac:02x}", source=name) for mac in macs),
        ownership=note,
    )
    text = build_domain(plan)
    found = definition(text)
    assert (found.name, found.description) == (name, description)
    assert (found.memory_mib, found.max_memory_mib) == (memory, memory + more)
    assert (found.vcpus, found.max_vcpus) == (vcpus, vcpus + spare)
    assert [disk.source for disk in found.disks] == paths
    assert len({disk.target for disk in found.disks}) == len(paths)
    assert [nic.mac for nic in found.nics] == [nic.mac for nic in plan.nics]
    assert ownership(text) == note


def test_a_cpu_that_boots_current_systems() -> None:
    assert default_cpu(domain_type="kvm", arch="x86_64") == "host-model"
    assert default_cpu(domain_type="qemu", arch="x86_64") == "qemu64"
    assert default_cpu(domain_type="qemu", arch="aarch64") == "cortex-a57"
    assert default_cpu(domain_type="test", arch="x86_64") == ""
