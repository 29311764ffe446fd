"""Lists of 10,000 VMs on 500 hosts: the API, the web page, and `castalia vm list`, against the bare
query; and what keeping them in sync costs.

The hosts are libvirt's test driver, 20 VMs each, read by the real inventory of a manager in its own
process. The peer of a list is the time that SQLite takes for the same page without anything around
it. libvirt's test driver works in the manager's process, so its work is in the manager's figures.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
from bench._served import Served, served

from castalia.bootstrap import Manager
from castalia.db import hosts as host_store
from castalia.db import vm_list
from castalia.db.database import Database
from castalia.model.clock import now
from castalia.model.host import Host, HostState
from castalia.model.ids import new_id
from castalia.model.page import PageRequest

HOSTS, EACH, PORT, ROUNDS = 500, 20, 8196, 60
_DOMAIN = """<domain type='test'><name>{name}</name><uuid>{uuid}</uuid>
<memory>131072</memory>
<os><type>hvm</type></os><devices>
<interface type='network'><source network='default'/></interface></devices></domain>"""
_NODE = "<node><cpu><mhz>2000</mhz><model>test</model><active>16</active><nodes>1</nodes>"
_NODE += "<sockets>1</sockets><cores>16</cores><threads>1</threads></cpu><memory>67108864</memory>"
# Addresses are looked for during 180 s after the first reading; then one whole round of measuring
# (each 10 s) and comparing (each minute).
_SETTLE_S, _WATCH_S = 200.0, 60.0


def _write_hosts(directory: Path) -> list[str]:
    uris = []
    for number in range(HOSTS):
        domains = "".join(
            _DOMAIN.format(name=f"vm-{number:03}-{n:02}", uuid=uuid.uuid4()) for n in range(EACH)
        )
        file = directory / f"h{number:03}.xml"
        file.write_text(f"{_NODE}{domains}</node>")
        uris.append(f"test://{file}")
    return uris


def _register(uris: list[str], manager: Manager) -> None:
    with manager.database.write() as connection:
        for number, uri in enumerate(uris):
            host = Host(
                id=new_id(),
                name=f"h{number:03}",
                uri=uri,
                state=HostState.CONNECTING,
                created_at=now(),
            )
            host_store.insert(connection, host)


def _await_inventory(client: httpx.Client) -> float:
    begun = time.monotonic()
    while client.get("/counts").json().get("vms", 0) < HOSTS * EACH:
        time.sleep(0.5)
    return time.monotonic() - begun


def _p95_ms(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


def main() -> None:
    """Fills a manager, measures, prints a table."""
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "state"
        register = partial(_register, _write_hosts(Path(scratch)))
        with served(state, port=PORT, prepare=register) as manager, manager.client() as client:
            took_s = _await_inventory(client)
            print(f"first reading of {HOSTS * EACH} VMs on {HOSTS} hosts: {took_s:.1f} s")
            time.sleep(_SETTLE_S)
            share = manager.cpu_share(_WATCH_S)
            print(f"in sync: {share:.3f} of one core, {manager.resident_mib():.0f} MiB")
            _measure(manager, client, state)


def _measure(manager: Served, client: httpx.Client, state: Path) -> None:
    database = Database(f"sqlite:///{state / 'castalia.db'}")

    def query() -> None:
        with database.read() as connection:
            vm_list.page(connection, PageRequest(limit=100))

    def fetch(path: str) -> None:
        client.get(path).raise_for_status()

    figures = {
        "the query alone": _p95_ms(query),
        "GET /api/v1/vms?limit=100": _p95_ms(partial(fetch, "/api/v1/vms?limit=100")),
        "GET /vms (the page)": _p95_ms(partial(fetch, "/vms")),
        "castalia vm list": _p95_ms(partial(_list_by_cli, manager, state), rounds=20),
    }
    base = figures["the query alone"]
    print(f"p95 of {ROUNDS}:")
    for title, value in figures.items():
        print(f"  {title:<28} {value:8.1f} ms   {value / base:6.1f} x")


def _list_by_cli(manager: Served, scratch: Path) -> None:
    environment = os.environ | {
        "CASTALIA_URL": manager.address,
        "CASTALIA_TOKEN": manager.token,
        "CASTALIA_CLI_CONFIG": str(scratch / "cli.toml"),
    }
    argv = [sys.executable, "-m", "castalia.cli.main", "vm", "list"]
    subprocess.run(argv, env=environment, check=True, capture_output=True)


if __name__ == "__main__":
    main()
