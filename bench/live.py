"""20 running VMs on one private libvirt host: what the idle manager costs, and how soon a change
that somebody makes on the host is seen in a browser.

Peers: the host's own libvirtd during the same time, and the `virsh` command that makes the change.
"""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from bench._served import Served, served
from playwright.sync_api import Page, sync_playwright
from tests.images_fixture import built_image

from castalia.bootstrap import Manager
from castalia.db import hosts as host_store
from castalia.lab.host import LabHost
from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan
from castalia.model.clock import now
from castalia.model.host import Host, HostState
from castalia.model.ids import new_id, new_uuid

VMS, PORT, CHANGES = 20, 8197, 30
_SETTLE_S, _WATCH_S = 200.0, 60.0
_DIRECTORY = "/var/lib/libvirt/images"
_SEEN = "word => document.querySelector('tr[id^=row-]')?.innerText.includes(word)"


def main() -> None:
    """Boots the VMs, measures, prints."""
    os.environ["CASTALIA_ACCELERATOR__OVERRIDE"] = "emulated"
    image = built_image("micro")
    with tempfile.TemporaryDirectory() as scratch:
        host = LabHost("bench-live", state_dir=Path(scratch) / "lab")
        host.start()
        try:
            for number in range(VMS):
                _start_vm(host, f"vm-{number:02}", image)

            def register(manager: Manager) -> None:
                _register(manager, host.uri)

            state = Path(scratch) / "state"
            with served(state, port=PORT, prepare=register) as manager:
                _idle(host, manager)
                _changes(host, manager)
        finally:
            host.stop()


def _start_vm(host: LabHost, name: str, image: Path) -> None:
    disk = host.outside(f"{_DIRECTORY}/{name}.qcow2")
    disk.write_bytes(image.read_bytes())
    plan = DomainPlan(
        name=name,
        uuid=new_uuid(),
        memory_mib=128,
        disks=(DiskPlan(path=f"{_DIRECTORY}/{name}.qcow2"),),
    )
    host.outside(f"{_DIRECTORY}/{name}.xml").write_text(build_domain(plan))
    _virsh(host, "create", f"{_DIRECTORY}/{name}.xml")


def _virsh(host: LabHost, *words: str) -> None:
    subprocess.run(host.command(["virsh", "-q", *words]), check=True)


def _register(manager: Manager, uri: str) -> None:
    host = Host(id=new_id(), name="bench", uri=uri, state=HostState.CONNECTING, created_at=now())
    with manager.database.write() as connection:
        host_store.insert(connection, host)


def _idle(host: LabHost, manager: Served) -> None:
    time.sleep(_SETTLE_S)
    assert host.pid is not None
    (number,) = host.processes(name="libvirtd")
    libvirtd = psutil.Process(number)
    before = libvirtd.cpu_times()
    share = manager.cpu_share(_WATCH_S)
    after = libvirtd.cpu_times()
    theirs = (after.user - before.user + after.system - before.system) / _WATCH_S
    print(f"idle with {VMS} VMs, over {_WATCH_S:.0f} s:")
    print(f"  castalia   {share:7.2%} of one core   {manager.resident_mib():6.0f} MiB")
    theirs_mib = libvirtd.memory_info().rss / 1024**2
    print(f"  libvirtd   {theirs:7.2%} of one core   {theirs_mib:6.0f} MiB")


def _changes(host: LabHost, manager: Served) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(base_url=manager.address)
        page.goto("/login")
        page.get_by_label("User", exact=False).first.fill("admin")
        page.get_by_label("Password", exact=True).fill(manager.password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")
        page.goto("/vms?q=vm-00")
        page.wait_for_function(_SEEN, arg="Running")
        _measure_changes(host, page)
        browser.close()


def _measure_changes(host: LabHost, page: Page) -> None:
    alone, seen = [], []
    for number in range(CHANGES):
        verb, word = ("resume", "Running") if number % 2 else ("suspend", "Paused")
        begun = time.perf_counter()
        _virsh(host, verb, "vm-00")
        alone.append(time.perf_counter() - begun)
        page.wait_for_function(_SEEN, arg=word)
        seen.append(time.perf_counter() - begun)
    print(f"a change made by virsh, {CHANGES} times:")
    for title, taken in (("virsh returns", alone), ("the browser's row is new", seen)):
        p95 = statistics.quantiles(taken, n=20)[-1]
        median = statistics.median(taken)
        print(f"  {title:<26} median {median * 1000:5.0f} ms   p95 {p95 * 1000:5.0f} ms")


if __name__ == "__main__":
    main()
