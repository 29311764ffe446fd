"""A lab host's cgroups: one in every hierarchy of this machine, be it version 1, 2, both, or none.

Without a root of its own in each hierarchy, two libvirtds would meet in the same `machine` group.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """A mounted cgroup hierarchy. `parent` is the directory below which new groups are made."""

    mount_point: Path
    version: int
    options: str
    parent: Path


def hierarchies(
    mounts: Path = Path("/proc/self/mountinfo"), membership: Path = Path("/proc/self/cgroup")
) -> list[Hierarchy]:
    """The writable hierarchies that this process sees; none is no error."""
    own = _own_groups(membership)
    found = [_hierarchy(line, own) for line in mounts.read_text().splitlines()]
    return [hierarchy for hierarchy in found if hierarchy and os.access(hierarchy.parent, os.W_OK)]


def _own_groups(membership: Path) -> dict[str, str]:
    groups = {}
    for line in membership.read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        groups[controllers] = path
    return groups


def _hierarchy(line: str, own: dict[str, str]) -> Hierarchy | None:
    """A line of mountinfo (see proc(5)), if it is about cgroups."""
    before, _, after = line.partition(" - ")
    root, mount_point = before.split()[3:5]
    fstype, _source, super_options = after.split(" ", 2)
    point = Path(mount_point)
    if fstype == "cgroup2":
        # At the top: only there may a group have both processes and controlled children.
        return Hierarchy(mount_point=point, version=2, options="", parent=point)
    if fstype != "cgroup":
        return None
    options = ",".join(word for word in super_options.split(",") if word not in ("rw", "ro"))
    # Below our own group: what limits this process limits its lab hosts too.
    inside = own.get(options, root).removeprefix(root.rstrip("/")).lstrip("/")
    return Hierarchy(mount_point=point, version=1, options=options, parent=point / inside)


def places(name: str, found: list[Hierarchy]) -> list[Path]:
    """Where the group `name` belongs in each hierarchy."""
    return [hierarchy.parent / name for hierarchy in found]


def create(groups: list[Path], found: list[Hierarchy]) -> None:
    """Makes a group in each hierarchy; those that are there are kept."""
    for group, hierarchy in zip(groups, found, strict=True):
        _create_in(hierarchy, group)


def _create_in(hierarchy: Hierarchy, group: Path) -> None:
    group.mkdir(exist_ok=True)
    if hierarchy.version == 2:
        _delegate(hierarchy.parent)
        (group / "init").mkdir(exist_ok=True)
        return
    for file in _CPUSET_FILES:  # a new cpuset is empty, and no process may join an empty one
        if (group / file).exists():
            (group / file).write_text((hierarchy.parent / file).read_text())


def _delegate(group: Path) -> None:
    """Hands the controllers of a version 2 group to its children, as far as the kernel lets us."""
    for controller in (group / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def process_lists(groups: list[Path]) -> list[str]:
    """The files through which a process joins the host's groups."""
    return [str(group / "cgroup.procs") for group in groups]


def leaf_process_lists(groups: list[Path]) -> list[str]:
    """Where a process goes once the cgroup namespace is made: in version 2 a group with children
    must be empty."""
    leaves = [group / "init" for group in groups]
    return [
        str((leaf if leaf.is_dir() else group) / "cgroup.procs")
        for leaf, group in zip(leaves, groups, strict=True)
    ]


def processes(groups: list[Path]) -> set[int]:
    """Every process in the groups and in those below."""
    lists = [file for group in groups for file in group.glob("**/cgroup.procs")]
    return {int(pid) for file in lists for pid in _words(file)}


def _words(file: Path) -> list[str]:
    with contextlib.suppress(OSError):  # a threaded group refuses: its parent names its processes
        return file.read_text().split()
    return []


def remove(groups: list[Path]) -> None:
    """Removes the groups with all below, deepest first. Those that are gone are no error."""
    for group in groups:
        for directory, _subdirectories, _files in os.walk(group, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                Path(directory).rmdir()
