"""Lists of 10,000 VMs on 500 hosts: the API, the web page, and `castalia vm list`, against the bare
query.

The hosts are libvirt's test driver, 20 VMs each, read by the real inventory. The peer of a list is
the time that SQLite
takes for the same page without anything around it.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from castalia.api.server import make_server
from castalia.bootstrap import Manager, build, make_app
from castalia.db import hosts as host_store
from castalia.db import vm_list, vms
from castalia.model.access import SYSTEM, Principal, Role
from castalia.model.clock import now
from castalia.model.host import Host, HostState
from castalia.model.ids import new_id
from castalia.model.page import PageRequest
from castalia.settings import ServerSettings, Settings

HOSTS, EACH, PORT, ROUNDS = 500, 20, 8196, 60
_DOMAIN = """<domain type='test'><name>{name}</name><uuid>{uuid}</uuid>
<memory>131072</memory>
<os><type>hvm</type></os><devices>
<interface type='network'><source network='default'/></interface></devices></domain>"""
_NODE = "<node><cpu><mhz>2000</mhz><model>test</model><active>16</active><nodes>1</nodes>"
_NODE += "<sockets>1</sockets><cores>16</cores><threads>1</threads></cpu><memory>67108864</memory>"


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


def _register(manager: Manager, uris: list[str]) -> None:
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


def _await_inventory(manager: Manager) -> float:
    begun = time.monotonic()
    while True:
        with manager.database.read() as connection:
            known = sum(vms.count_by_state(connection).values())
        if known >= HOSTS * EACH:
            return time.monotonic() - begun
        time.sleep(0.2)


def _p95_ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


def main() -> None:
    """Fills a manager, measures, prints a table."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(state_dir=Path(scratch) / "state", server=ServerSettings(port=PORT))
        manager = build(settings)
        _register(manager, _write_hosts(Path(scratch)))
        server = make_server(make_app(manager), settings)
        thread = threading.Thread(target=server.run, daemon=True)
        manager.start()
        thread.start()
        try:
            took_s = _await_inventory(manager)
            print(f"first reading of {HOSTS * EACH} VMs on {HOSTS} hosts: {took_s:.1f} s")
            _measure(manager, Path(scratch))
        finally:
            server.stop()
            thread.join()
            manager.stop()


def _measure(manager: Manager, scratch: Path) -> None:
    admin = manager.services.users.ensure_first_admin()
    assert admin is not None
    who = Principal(user_id=admin.user.id, user_name=admin.user.name, role=Role.ADMIN)
    _, token = manager.services.tokens.create("bench", Role.ADMIN, principal=who)
    client = httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30)
    headers = {"Authorization": f"Bearer {token}"}

    def query() -> None:
        with manager.database.read() as connection:
            vm_list.page(connection, PageRequest(limit=100))

    figures = {
        "the query alone": _p95_ms(query),
        "GET /api/v1/vms?limit=100": _p95_ms(
            lambda: client.get("/api/v1/vms?limit=100", headers=headers).raise_for_status()
        ),
        "GET /vms (the page)": _p95_ms(
            lambda: client.get("/vms", headers=headers).raise_for_status()
        ),
        "castalia vm list": _p95_cli(scratch, token),
    }
    base = figures["the query alone"]
    print(f"p95 of {ROUNDS}:")
    for title, value in figures.items():
        print(f"  {title:<28} {value:8.1f} ms   {value / base:6.1f} x")
    _idle()
    assert manager.services.vms.facets(principal=SYSTEM)


def _p95_cli(scratch: Path, token: str) -> float:
    environment = os.environ | {
        "CASTALIA_URL": f"http://127.0.0.1:{PORT}",
        "CASTALIA_TOKEN": token,
        "CASTALIA_CLI_CONFIG": str(scratch / "cli.toml"),
    }
    argv = [sys.executable, "-m", "castalia.cli.main", "vm", "list"]
    taken = []
    for _ in range(10):
        begun = time.perf_counter()
        subprocess.run(argv, env=environment, check=True, capture_output=True)
        taken.append((time.perf_counter() - begun) * 1000)
    return max(taken)


def _idle() -> None:
    """What keeping them in sync takes: CPU over a minute, and memory."""
    process = psutil.Process()
    before, begun = process.cpu_times(), time.monotonic()
    time.sleep(60)
    after = process.cpu_times()
    spent = (after.user - before.user) + (after.system - before.system)
    share = spent / (time.monotonic() - begun)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    resident_mib = process.memory_info().rss // 1024**2
    facts = {"cpu_of_one_core": round(share, 3), "rss_mib": resident_mib, "peak_mib": peak_mib}
    print("in sync for a minute:", json.dumps(facts))


if __name__ == "__main__":
    main()
