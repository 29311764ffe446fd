"""Measurements: from counters to lists, lines and charts, across restarts and bounded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.services.conftest import Clock

from castalia.db import hosts, vm_sync, vms
from castalia.db.database import Database
from castalia.db.tables import metric_blocks
from castalia.errors import InvalidRequest
from castalia.model.access import SYSTEM
from castalia.model.host import Host, HostState
from castalia.model.metric import HostCounters, VmCounters
from castalia.model.vm import Definition, VmFacts, VmState
from castalia.services.metrics import MetricService
from castalia.settings import MetricSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = MetricSettings()


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """With the host h and its VM v."""
    with sqlite_database.write() as connection:
        host = Host(id="h", name="h", uri="u", state=HostState.UP, created_at=START)
        hosts.insert(connection, host)
        facts = VmFacts(definition=Definition(uuid="v", name="v"), state=VmState.RUNNING)
        vm_sync.sync(connection, "h", [facts], taken_at=START)
    return sqlite_database


class Machine:
    """A host with one VM, whose time and totals the test moves."""

    def __init__(self, database: Database, clock: Clock) -> None:
        clock.at = START
        self.database, self.clock = database, clock
        self.metrics = MetricService(database, settings=SETTINGS)
        self.vm = VmCounters(
            uuid="v",
            cpu_ns=0,
            vcpus=1,
            memory_mib=512,
            memory_used_mib=100,
            disk_read_bytes=0,
            disk_write_bytes=0,
            disk_read_ops=0,
            disk_write_ops=0,
            net_rx_bytes=0,
            net_tx_bytes=0,
        )
        self.busy_ns = 0

    def take(self) -> None:
        """Hands over the present totals."""
        total_ns = int((self.clock.at - START).total_seconds() * 4e9)
        host = HostCounters(
            cpu_busy_ns=self.busy_ns,
            cpu_total_ns=total_ns,
            memory_used_mib=1000,
            memory_free_mib=3000,
        )
        self.metrics.take("h", at=self.clock.at, host=host, vms=[self.vm], vm_ids={"v": "v"})

    def run(self, seconds: float, *, cpu: float) -> None:
        """Time passes in steps of ten seconds, the VM taking that part of its CPU."""
        for _ in range(int(seconds // 10)):
            self.clock.move(10)
            self.busy_ns += int(10e9 * cpu)
            self.vm = replace(self.vm, cpu_ns=self.vm.cpu_ns + int(10e9 * cpu))
            self.take()

    def cpu(
        self, *, since_s: float, until_s: float, points: int = 300
    ) -> list[tuple[float, float]]:
        """The VM's line, as (seconds, fraction)."""
        samples = self.metrics.query(
            "vm:v",
            since=START + timedelta(seconds=since_s),
            until=START + timedelta(seconds=until_s),
            points=points,
            principal=SYSTEM,
        )
        return [((one.at - START).total_seconds(), round(one.cpu_fraction, 3)) for one in samples]

    def rows(self) -> dict[int, int]:
        """How many rows there are of each span."""
        with self.database.read() as connection:
            spans = connection.scalars(
                metric_blocks.select().with_only_columns(metric_blocks.c.span_s)
            ).all()
        return {span: list(spans).count(span) for span in set(spans)}


@pytest.fixture
def machine(database: Database, clock: Clock) -> Machine:
    """A machine that has just been started."""
    machine = Machine(database, clock)
    machine.take()
    return machine


def test_rates_reach_the_lists(machine: Machine) -> None:
    machine.run(20, cpu=0.5)
    machine.metrics.flush()
    with machine.database.read() as connection:
        vm, host = vms.get(connection, "v"), hosts.get(connection, "h")
    assert (vm.cpu_fraction, vm.memory_used_mib, vm.revision) == (0.5, 100, 1)
    assert host.load is not None
    assert (host.load.cpu_fraction, host.load.memory_free_mib) == (0.125, 3000)
    latest = {one.subject: one.cpu_fraction for one in machine.metrics.latest()}
    assert latest == {"vm:v": 0.5, "host:h": 0.125}


def test_a_line_is_whole_before_and_after_it_is_stored(machine: Machine) -> None:
    machine.run(100, cpu=0.25)
    before = machine.cpu(since_s=0, until_s=200)
    assert [value for _, value in before] == [0.25] * 10
    machine.metrics.close()
    assert machine.cpu(since_s=0, until_s=200) == before
    again = MetricService(machine.database, settings=SETTINGS)
    machine.metrics = again
    assert machine.cpu(since_s=0, until_s=200) == before


def test_a_restart_in_the_middle_loses_nothing_that_was_stored(machine: Machine) -> None:
    machine.run(100, cpu=0.25)
    machine.metrics.close()
    machine.metrics = MetricService(machine.database, settings=SETTINGS)
    machine.take()
    machine.run(100, cpu=0.75)
    machine.metrics.close()
    assert [value for _, value in machine.cpu(since_s=0, until_s=300)] == [0.25] * 10 + [0.75] * 10
    assert machine.rows() == {900: 2}


def test_a_vm_that_was_started_again_leaves_a_gap(machine: Machine) -> None:
    machine.run(30, cpu=0.5)
    machine.vm = replace(machine.vm, cpu_ns=0)
    machine.clock.move(10)
    machine.take()
    machine.run(20, cpu=0.5)
    times = [at for at, _ in machine.cpu(since_s=0, until_s=100, points=10)]
    assert times == [0, 10, 20, 40, 50]
    assert {value for _, value in machine.cpu(since_s=0, until_s=100)} == {0.5}


def test_readings_that_were_missed_leave_a_gap(machine: Machine) -> None:
    machine.run(20, cpu=0.5)
    machine.clock.move(100)
    machine.run(20, cpu=0.5)
    assert [at for at, _ in machine.cpu(since_s=0, until_s=200, points=20)] == [0, 10, 120, 130]


def test_the_first_reading_after_the_host_was_away_begins_anew(machine: Machine) -> None:
    machine.run(20, cpu=0.5)
    machine.metrics.forget_host("h")
    assert machine.metrics.latest() == []
    machine.run(10, cpu=0.5)
    assert machine.metrics.latest() == []


def test_steps_are_means(machine: Machine) -> None:
    machine.run(50, cpu=0.2)
    machine.run(50, cpu=0.4)
    (one,) = machine.cpu(since_s=0, until_s=100, points=1)
    assert one == (0, 0.3)


def test_quarters_of_an_hour_become_means_and_are_kept_longer(machine: Machine) -> None:
    for hour in range(30):
        machine.run(3600, cpu=(hour % 2) / 2 + 0.25)
        machine.metrics.flush()
    machine.metrics.close()
    line = machine.cpu(since_s=0, until_s=30 * 3600, points=30)
    assert [value for _, value in line[2:6]] == [0.25, 0.75, 0.25, 0.75]
    assert len(line) == 30
    assert machine.rows()[86_400] == 4


def test_memory_keeps_only_what_is_not_finished(machine: Machine) -> None:
    machine.run(2000, cpu=0.5)
    machine.metrics.flush()
    memory = machine.metrics._memory
    assert (memory.full, set(memory.open)) == ([], {"vm:v", "host:h"})


def test_what_is_old_is_forgotten(machine: Machine) -> None:
    machine.run(1000, cpu=0.5)
    machine.metrics.close()
    assert machine.rows() == {900: 4, 86_400: 2}
    machine.clock.move(25 * 3600)
    machine.metrics = MetricService(machine.database, settings=SETTINGS)
    machine.metrics.flush()
    assert machine.rows() == {86_400: 2}
    machine.clock.move(366 * 86_400)
    machine.metrics = MetricService(machine.database, settings=SETTINGS)
    machine.metrics.flush()
    assert machine.rows() == {}


def test_a_failed_write_loses_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run(1000, cpu=0.5)
    with monkeypatch.context() as broken:
        broken.setattr("castalia.db.metrics.put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            machine.metrics.flush()
    machine.metrics.close()
    assert len(machine.cpu(since_s=0, until_s=1100)) == 100
    with machine.database.read() as connection:
        assert vms.get(connection, "v").cpu_fraction == 0.5


def test_sparks_are_the_last_half_hour(machine: Machine) -> None:
    machine.run(600, cpu=0.5)
    machine.metrics.close()
    machine.run(600, cpu=1.0)
    lines = machine.metrics.sparks(["vm:v", "vm:gone"], principal=SYSTEM)
    assert list(lines) == ["vm:v"]
    line = lines["vm:v"]
    assert len(line) == 30
    assert line[:8] == (None,) * 8
    assert set(line[11:19]) == {0.5}
    assert set(line[-8:]) == {1.0}


@pytest.mark.parametrize(
    ("since_s", "until_s", "points", "field"),
    [(10, 10, 5, "until"), (0, 10, 0, "points"), (0, 10, 5000, "points")],
)
def test_what_cannot_be_drawn_is_refused(
    machine: Machine, since_s: float, until_s: float, points: int, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        machine.cpu(since_s=since_s, until_s=until_s, points=points)
    assert refused.value.field == field
