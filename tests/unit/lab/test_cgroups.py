"""Where a lab host's cgroups belong, whatever versions a machine has mounted."""

from pathlib import Path

import pytest

from castalia.lab import cgroups

_LINE = "32 31 0:29 {root} {point} rw,relatime - {fstype} cgroup rw{options}"


@pytest.fixture
def machine(tmp_path):
    """Writes what proc would say; returns the hierarchies that are found in it."""

    def found(*lines: str, membership: str) -> list[cgroups.Hierarchy]:
        mounts, own = tmp_path / "mountinfo", tmp_path / "cgroup"
        mounts.write_text("\n".join(lines))
        own.write_text(membership)
        return cgroups.hierarchies(mounts, own)

    return found


def line(point: Path, *, fstype="cgroup", root="/", options="") -> str:
    return _LINE.format(root=root, point=point, fstype=fstype, options=options)


def made(*parts: Path) -> None:
    for part in parts:
        part.mkdir(parents=True)


def test_none_is_no_error(machine):
    assert machine("1 0 8:1 / / rw - ext4 /dev/vda rw", membership="") == []


def test_in_version_1_it_is_below_the_own_group(machine, tmp_path):
    point = tmp_path / "memory"
    made(point / "session")
    [found] = machine(line(point, options=",memory"), membership="4:memory:/session")
    assert (found.version, found.options, found.parent) == (1, "memory", point / "session")


def test_a_named_hierarchy_keeps_its_name(machine, tmp_path):
    point = tmp_path / "systemd"
    made(point)
    [found] = machine(line(point, options=",name=systemd"), membership="9:name=systemd:/")
    assert (found.options, found.parent) == ("name=systemd", point)


def test_in_a_container_the_mount_shows_only_a_part(machine, tmp_path):
    point = tmp_path / "cpu"
    made(point / "inner")
    lines = line(point, root="/docker/x", options=",cpu")
    [found] = machine(lines, membership="1:cpu:/docker/x/inner")
    assert found.parent == point / "inner"


def test_in_version_2_it_is_at_the_top(machine, tmp_path):
    point = tmp_path / "unified"
    made(point)
    [found] = machine(line(point, fstype="cgroup2"), membership="0::/user.slice/session")
    assert (found.version, found.parent) == (2, point)


def test_a_new_cpuset_gets_its_parents_processors(tmp_path):
    (tmp_path / "cpuset.cpus").write_text("0-1\n")
    hierarchy = cgroups.Hierarchy(
        mount_point=tmp_path, version=1, options="cpuset", parent=tmp_path
    )
    groups = cgroups.places("lab", [hierarchy])
    made(*groups)
    (groups[0] / "cpuset.cpus").write_text("\n")
    cgroups.create(groups, [hierarchy])
    assert (groups[0] / "cpuset.cpus").read_text() == "0-1\n"


def test_in_version_2_processes_live_in_a_leaf(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    hierarchy = cgroups.Hierarchy(mount_point=tmp_path, version=2, options="", parent=tmp_path)
    groups = cgroups.places("lab", [hierarchy])
    cgroups.create(groups, [hierarchy])
    assert cgroups.process_lists(groups) == [f"{tmp_path}/lab/cgroup.procs"]
    assert cgroups.leaf_process_lists(groups) == [f"{tmp_path}/lab/init/cgroup.procs"]
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_removing_goes_deepest_first_and_twice_does_no_harm(tmp_path):
    group = tmp_path / "lab"
    made(group / "machine" / "qemu-1" / "vcpu0")
    cgroups.remove([group])
    assert not group.exists()
    cgroups.remove([group])
