"""A whole manager in this process over hosts in memory, that can be killed and started again."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflows.faults import StepFaults

from castalia.bootstrap import Manager, build
from castalia.db import templates as template_store
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.model.access import SYSTEM
from castalia.model.clock import now
from castalia.model.event import Change
from castalia.model.host import Host, HostChange, HostState
from castalia.model.ids import new_id
from castalia.model.job import Job, JobState
from castalia.model.page import PageRequest
from castalia.model.template import Template
from castalia.model.vm import PowerAction, Vm, VmCreation, VmSpec
from castalia.services.host_link import Drivers
from castalia.services.services import Services
from castalia.settings import DatabaseSettings, MetricSettings, Settings
from castalia.storage.driver_memory import MemoryStorage

LIMIT_S = 20.0
DISK_BYTES = 4 * 1024**2


@dataclass
class World:
    """A manager and its hosts. What is in `hosts` survives the manager, as real hosts do."""

    state_dir: Path
    database_url: str
    template_disk: Path
    faults: StepFaults
    hosts: dict[str, Drivers] = field(default_factory=dict)
    _news: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Starts a manager on the state directory."""
        settings = Settings(
            state_dir=self.state_dir,
            database=DatabaseSettings(url=self.database_url),
            metrics=MetricSettings(interval_s=3600),
        )
        self.manager: Manager = build(settings, open_host=self.open_host)
        self.services.events.subscribe(self._notify)
        self.manager.start()
        self.manager.scheduler.drop("sampling-first")

    def stop(self) -> None:
        """Ends the manager."""
        self.manager.stop()

    @property
    def services(self) -> Services:
        """The running manager's services."""
        return self.manager.services

    # --- hosts ---
    def open_host(self, uri: str) -> Drivers:
        """The host behind a URI; always the same one."""
        if uri not in self.hosts:
            self.hosts[uri] = Drivers(hypervisor=MemoryDriver(), storage=MemoryStorage())
        return self.hosts[uri]

    def driver(self, host: str = "h1") -> MemoryDriver:
        """The hypervisor of a host."""
        driver = self.open_host(f"test:///{host}").hypervisor
        assert isinstance(driver, MemoryDriver)
        return driver

    def storage(self, host: str = "h1") -> MemoryStorage:
        """The storage of a host."""
        storage = self.open_host(f"test:///{host}").storage
        assert isinstance(storage, MemoryStorage)
        return storage

    def add_host(self, name: str = "h1") -> Host:
        """A managed host, with the repository and the network `default`."""
        change = HostChange(name=name, uri=f"test:///{name}")
        self.done(self.services.hosts.add(change, principal=SYSTEM))
        return self.host(name)

    def host(self, name: str = "h1") -> Host:
        """The host as the database has it."""
        return self.services.hosts.get(name, principal=SYSTEM)

    def hosts_known(self) -> list[Host]:
        """The managed hosts."""
        return list(self.services.hosts.list(PageRequest(), principal=SYSTEM).items)

    # --- jobs ---
    def ended(self, job: Job) -> Job:
        """The job once it has ended, however often the manager is killed meanwhile."""
        while not (found := self._ended_or_killed(job)).state.finished:
            self.manager.stop()
            self.faults.killed.clear()
            self.start()
        return found

    def _ended_or_killed(self, job: Job) -> Job:
        self.until(
            lambda: self.faults.killed.is_set() or self._job(job).state.finished, "the job's end"
        )
        return self._job(job)

    def _job(self, job: Job) -> Job:
        return self.manager.engine.get(job.id)

    def done(self, job: Job) -> Job:
        """The job, which has succeeded."""
        job = self.ended(job)
        assert job.state is JobState.SUCCEEDED, f"{job.title}: {job.error} {job.remedy}"
        return job

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits, from change to change, until `condition` holds."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            self._news.clear()
            if condition():
                return
            assert self._news.wait(deadline - time.monotonic()), f"waited for {what}"

    def wake(self) -> None:
        """Has `until` look again."""
        self._news.set()

    def _notify(self, change: Change) -> None:
        if change.noun != "job" or JobState(change.data["state"]).finished:
            self.wake()

    # --- things to work on ---
    def vm(self, ref: str) -> Vm:
        """The VM as the database has it."""
        return self.services.vms.get(ref, principal=SYSTEM)

    def make_vm(self, name: str = "web", **spec: object) -> Vm:
        """A stopped VM with one disk, without a template."""
        values = {"memory_mib": 64, "disk_bytes": DISK_BYTES, "start": False, **spec}
        wanted = VmCreation(spec=VmSpec(name=name, **values))  # type: ignore[arg-type]  # tests mix
        self.done(self.services.vm_create.create(wanted, principal=SYSTEM))
        return self.vm(name)

    def start_vm(self, name: str = "web") -> Vm:
        """Starts a VM."""
        self.done(self.services.vm_power.power(name, PowerAction.START, principal=SYSTEM))
        return self.vm(name)

    def make_template(self, name: str = "tiny") -> Template:
        """A template with a tiny disk in the library."""
        library = self.state_dir / "templates"
        library.mkdir(mode=0o711, exist_ok=True)
        template = Template(
            id=new_id(),
            name=name,
            volume=f"{name}.qcow2",
            disk_bytes=DISK_BYTES,
            size_bytes=self.template_disk.stat().st_size,
            default_size="micro",
            default_user="root",
            created_at=now(),
        )
        shutil.copy(self.template_disk, library / template.volume)
        with self.manager.database.write() as connection:
            template_store.insert(connection, template)
        return template

    def wait_up(self, name: str = "h1") -> None:
        """Waits until a host is connected and watched."""
        inventory = self.manager.inventory
        self.until(lambda: name in {link.name for link in inventory.up()}, f"{name} to be up")
        self.until(lambda: self.host(name).state is HostState.UP, f"{name} to be up")
