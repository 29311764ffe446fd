"""Everything that the database, the hosts and the manager's directories hold, to compare."""

import json
import re
from typing import Any

from sqlalchemy import Table, select
from tests.workflows.world import World

from castalia.db import tables
from castalia.hypervisor.memory_vm import MemoryVm

_TABLES = (
    tables.hosts,
    tables.vms,
    tables.vm_disks,
    tables.vm_nics,
    tables.repositories,
    tables.volumes,
    tables.networks,
    tables.templates,
    tables.template_copies,
)
_VOLATILE = frozenset(
    {
        *("revision", "created_at", "seen_at", "cpu_fraction", "memory_used_mib"),
        *("memory_free_mib", "allocation_bytes", "available_bytes"),
        *("addresses", "address", "address_key", "state_reason"),
    }
)
"""Columns that change by themselves, or that tell when and why and not what."""
_OWN_IDS = frozenset({"repositories", "volumes", "networks"})
"""Rows that come back with another id when the thing comes back."""
_DIRECTORIES = ("templates", "staging", "uploads")
Slate = dict[str, Any]


def slate(world: World) -> Slate:
    """All there is, by place."""
    return {
        **{table.name: _rows(world, table) for table in _TABLES},
        **{f"on {uri}": _host(world, uri.rpartition("/")[2]) for uri in sorted(world.hosts)},
        "files": _files(world),
    }


def differences(before: Slate, after: Slate) -> list[str]:
    """The places that differ, with what is there."""
    return [
        f"{place}:\n  was {before.get(place)}\n  is  {after.get(place)}"
        for place in before | after
        if before.get(place) != after.get(place)
    ]


def disagreements(world: World) -> list[str]:
    """Where the database does not say what the managed hosts say."""
    found = []
    for host in (host.name for host in world.hosts_known()):
        known, real = _known(world, host), _real(world, host)
        found += [
            f"{host}, {kind}:\n  known {known[kind]}\n  real  {real[kind]}"
            for kind in real
            if known[kind] != real[kind]
        ]
    return found


def anonymous(slate: Slate) -> list[str]:
    """The slate's lines, sorted, without ids, times and addresses, which differ from run to run."""
    text = json.dumps(slate, indent=1, default=str, sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME", text)
    kinds = (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"(?:52:54:00(?::[0-9a-f]{2}){3})",
        r"\b0[0-9a-hjkmnp-tv-z]{19}\b",
        r"(?<=-)[0-9a-f]{8}(?=-)",
        r"(?<=-)[0-9a-hjkmnp-tv-z]{4}(?=\.qcow2)",
        r"(?<=-)[0-9a-hjkmnp-tv-z]{8}(?=\.qcow2)",
    )
    for number, kind in enumerate(kinds):
        text = re.sub(kind, f"ID{number}", text)
    return sorted(text.splitlines())


def without_copies(slate: Slate) -> Slate:
    """The slate without templates' disks on hosts."""

    def kept(place: str, content: object) -> object:
        if place == "volumes":
            return [row for row in content if not row["name"].startswith("template-")]
        if place.startswith("on "):
            repositories = [
                (name, path, [one for one in volumes if not one.name.startswith("template-")])
                for name, path, volumes in content["repositories"]
            ]
            return {**content, "repositories": repositories}
        return None if place == "template_copies" else content

    return {place: kept(place, content) for place, content in slate.items()}


def _rows(world: World, table: Table) -> list[dict[str, Any]]:
    hidden = _VOLATILE | ({"id", "repository_id"} if table.name in _OWN_IDS else set())
    with world.manager.database.read() as connection:
        rows = [
            {k: v for k, v in row._mapping.items() if k not in hidden}
            for row in connection.execute(select(table))
        ]
    return sorted(rows, key=str)


def _host(world: World, name: str) -> dict[str, Any]:
    driver = world.driver(name)
    return {
        "vms": {vm.name: _vm(vm) for vm in driver.vms.values()},
        "networks": driver._networks.every(),
        "repositories": [
            (facts.name, facts.path, facts.volumes) for facts in world.storage(name).repositories()
        ],
    }


def _vm(vm: MemoryVm) -> dict[str, Any]:
    names = ("stored", "running", "state", "autostart", "saved", "agent_connected")
    return {name: getattr(vm, name) for name in names}


def _files(world: World) -> list[str]:
    found = [
        path.relative_to(world.state_dir)
        for directory in _DIRECTORIES
        for path in (world.state_dir / directory).rglob("*")
        if path.is_file()
    ]
    return sorted(map(str, found))


def _real(world: World, host: str) -> dict[str, Any]:
    driver = world.driver(host)
    facts = [vm.facts() for vm in driver.vms.values()]
    return {
        "vms": sorted((f.definition.uuid, f.state, f.autostart, f.definition) for f in facts),
        "volumes": sorted(
            (repository.name, one.name, one.path, one.capacity_bytes, one.backing_path)
            for repository in world.storage(host).repositories()
            for one in repository.volumes
        ),
        "networks": sorted((one.name, one.cidr) for one in driver._networks.every()),
    }


def _known(world: World, host: str) -> dict[str, Any]:
    t = tables
    queries = {
        "vms": select(t.vms.c.uuid, t.vms.c.state, t.vms.c.autostart, t.vms.c.definition)
        .join(t.hosts)
        .where(t.hosts.c.name == host),
        "volumes": select(
            t.repositories.c.name,
            t.volumes.c.name,
            t.volumes.c.path,
            t.volumes.c.capacity_bytes,
            t.volumes.c.backing_path,
        )
        .select_from(t.volumes.join(t.repositories).join(t.hosts))
        .where(t.hosts.c.name == host),
        "networks": select(t.networks.c.name, t.networks.c.cidr)
        .join(t.hosts)
        .where(t.hosts.c.name == host),
    }
    with world.manager.database.read() as connection:
        return {
            kind: sorted((tuple(row) for row in connection.execute(query)), key=lambda row: row[:3])
            for kind, query in queries.items()
        }
