"""Asked for a plan, the API says what would happen and changes nothing."""

from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, select
from tests.http.conftest import World

from castalia.db.tables import metadata

PLANS: list[tuple[str, str, Any]] = [
    ("POST", "/vms", {"spec": {"name": "new", "memory_mib": 64}}),
    ("PATCH", "/vms/web1", {"vcpus": 2}),
    ("DELETE", "/vms/web1", None),
    ("POST", "/vms/web1/clone", {"name": "copy"}),
    ("POST", "/vms/web1/start", {}),
    ("POST", "/vms/web1/shutdown", None),
    ("POST", "/vms/web1/disks", {"size_bytes": 1 << 30}),
    ("PATCH", "/vms/web1/disks/vda", {"size_bytes": 99 << 30}),
    ("DELETE", "/vms/web1/disks/vda", None),
    ("POST", "/vms/web1/nics", {"network": "default"}),
    ("POST", "/hosts", {"name": "h2", "uri": "test:///h2"}),
    ("DELETE", "/hosts/h1", None),
    ("POST", "/hosts/h1/probe", None),
    ("POST", "/networks", {"host": "h1", "name": "n", "kind": "nat", "cidr": "10.9.8.1/24"}),
    ("DELETE", "/networks/default", None),
    ("POST", "/repositories", {"host": "h1", "name": "r", "path": "/srv/r"}),
    ("DELETE", "/repositories/default", None),
    ("POST", "/repositories/default/isos", {"name": "a.iso", "url": "https://example.org/a"}),
    ("POST", "/repositories/default/volumes", {"name": "v", "size_bytes": 1 << 20}),
    ("POST", "/templates", {"source": {"builder": "micro"}}),
    ("POST", "/templates", {"name": "t", "source": {"url": "https://example.org/i.qcow2"}}),
]
LIVE = {"api_tokens", "sessions", "alembic_version"}
"""Tables that note the request itself."""


@pytest.fixture(scope="module", autouse=True)
def web1(world: World) -> str:
    return world.make_vm("web1")


def everything(world: World) -> dict[str, list[Any]]:
    with world.manager.database.read() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(*_settled(table)))]
            for name, table in metadata.tables.items()
            if name not in LIVE
        }


def _settled(table: Table) -> list[ColumnElement[Any]]:
    """All columns but when the inventory, which runs on, looked last."""
    return [column for column in table.c if column.name != "seen_at"]


@pytest.mark.parametrize(("method", "path", "body"), PLANS, ids=lambda part: str(part)[:40])
def test_a_plan_changes_nothing(world: World, method: str, path: str, body: Any) -> None:
    memory = world.hosts.memory()
    before, defined = everything(world), {uuid: vm.stored for uuid, vm in memory.vms.items()}
    answer = world.call(method, f"{path}?plan=true", json=body)
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert plan["title"]
    assert plan["steps"] or any(check["verdict"] == "blocked" for check in plan["checks"])
    assert all(check["remedy"] for check in plan["checks"] if check["verdict"] == "blocked")
    after = everything(world)
    assert {table: after[table] for table in after if after[table] != before[table]} == {}
    assert {uuid: vm.stored for uuid, vm in memory.vms.items()} == defined
    assert list(world.hosts.drivers) == ["test:///h1"]


def test_every_change_that_is_a_job_has_a_plan(world: World) -> None:
    jobs = [
        (method, path)
        for path, methods in world.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "202" in operation["responses"]
    ]
    plannable = [
        (method, path)
        for method, path in jobs
        if any(
            one["name"] == "plan"
            for one in world.app.openapi()["paths"][path][method].get("parameters", [])
        )
    ]
    assert set(jobs) - set(plannable) == {("post", "/api/v1/jobs/{id}/retry")}
