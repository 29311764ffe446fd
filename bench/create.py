"""From "create" to "running": Castalia against the bare tools, on one private libvirt host.

Peers: `qemu-img create -b` + `virsh define` + `virsh start`, `virt-install --import`, and
`virt-clone` + start. All boot
the same template disk with the same memory in emulation; each is repeated in turns, and the median
counts.
"""

import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.images_fixture import built_image

from castalia.bootstrap import Manager, build
from castalia.db import templates
from castalia.lab.host import LabHost
from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan
from castalia.model.access import SYSTEM
from castalia.model.clock import now
from castalia.model.host import HostChange
from castalia.model.ids import new_id
from castalia.model.template import Template
from castalia.model.vm import VmCreation, VmSpec
from castalia.settings import AcceleratorSettings, Settings

ROUNDS = 7
IMAGES = "/var/lib/libvirt/images"
Maker = Callable[[str], None]


@contextmanager
def _manager(host: LabHost, state: Path, image: Path) -> Iterator[Manager]:
    accelerator = AcceleratorSettings(override="emulated")
    manager = build(Settings(state_dir=state, accelerator=accelerator))
    library = state / "templates"
    library.mkdir(parents=True)
    (library / "micro.qcow2").write_bytes(image.read_bytes())
    template = Template(
        id=new_id(), name="micro", volume="micro.qcow2", disk_bytes=512 * 1024**2,
        size_bytes=image.stat().st_size, default_size="micro", created_at=now(),
    )  # fmt: skip
    with manager.database.write() as connection:
        templates.insert(connection, template)
    manager.start()
    try:
        job = manager.services.hosts.add(HostChange(uri=host.uri, name="bench"), principal=SYSTEM)
        manager.engine.wait(job.id, timeout_s=60)
        yield manager
    finally:
        manager.stop()


def _by_castalia(manager: Manager) -> Maker:
    def make(name: str) -> None:
        spec = VmSpec(name=name, template="micro")
        job = manager.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)
        ended = manager.engine.wait(job.id, timeout_s=60)
        assert ended.state == "succeeded", ended.error

    return make


def _run(host: LabHost, *argv: str) -> None:
    done = host.exec(list(argv))
    assert done.returncode == 0, done.stderr.decode()


def _overlay(host: LabHost, name: str) -> str:
    path = f"{IMAGES}/{name}.qcow2"
    base = f"{IMAGES}/base.qcow2"
    _run(host, "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", path)
    return path


def _by_virsh(host: LabHost) -> Maker:
    def make(name: str) -> None:
        path = _overlay(host, name)
        plan = DomainPlan(
            name=name, uuid=str(uuid.uuid4()), memory_mib=128, disks=(DiskPlan(path=path),)
        )
        xml = host.outside(f"{IMAGES}/{name}.xml")
        xml.write_text(build_domain(plan))
        _run(host, "virsh", "-q", "define", f"{IMAGES}/{name}.xml")
        _run(host, "virsh", "-q", "start", name)

    return make


def _by_virt_install(host: LabHost) -> Maker:
    def make(name: str) -> None:
        disk = f"path={_overlay(host, name)}"
        _run(
            host, "virt-install", "--import", "--name", name, "--memory", "128", "--disk", disk,
            "--osinfo", "generic", "--virt-type", "qemu", "--graphics", "none", "--noautoconsole",
            "--network", "none",
        )  # fmt: skip

    return make


def _by_virt_clone(host: LabHost) -> Maker:
    def make(name: str) -> None:
        _run(host, "virt-clone", "--original", "origin", "--name", name, "--auto-clone")
        _run(host, "virsh", "-q", "start", name)

    return make


def _seconds(make: Maker, name: str) -> float:
    begun = time.perf_counter()
    make(name)
    return time.perf_counter() - begun


def main() -> None:
    """Measures in turns and prints a table."""
    image = built_image("micro")
    with tempfile.TemporaryDirectory() as scratch:
        host = LabHost("bench-create", state_dir=Path(scratch) / "lab")
        host.start()
        try:
            host.outside(f"{IMAGES}/base.qcow2").write_bytes(image.read_bytes())
            _by_virsh(host)("origin")
            _run(host, "virsh", "-q", "destroy", "origin")
            with _manager(host, Path(scratch) / "state", image) as manager:
                makers = {
                    "qemu-img + virsh define + start": _by_virsh(host),
                    "castalia": _by_castalia(manager),
                    "virt-install --import": _by_virt_install(host),
                    "virt-clone + start": _by_virt_clone(host),
                }
                _measure(host, makers)
        finally:
            host.stop()


def _measure(host: LabHost, makers: dict[str, Maker]) -> None:
    taken: dict[str, list[float]] = {title: [] for title in makers}
    for number in range(ROUNDS):
        for title, make in makers.items():
            name = f"b{number}-{len(title)}"
            taken[title].append(_seconds(make, name))
            subprocess.run(host.command(["virsh", "-q", "destroy", name]), check=False)
    raw = statistics.median(taken["qemu-img + virsh define + start"])
    print("create to running, emulation, median of", ROUNDS)
    for title, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"  {title:<34} {median:6.3f} s   {median / raw:5.2f} x   {median - raw:+.3f} s")


if __name__ == "__main__":
    main()
