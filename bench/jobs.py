"""The job engine on SQLite and on PostgreSQL, both with commits that reach the disk.

The peer of starts and throughput is the least that a queue in a database can be (`_jobs_peer`); the
peer of the application's writes is the same writes without jobs beside them; that of the limited
jobs is the rate that the limits allow. `python -m bench.jobs`
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench._jobs_peer import POLL_S, RawQueue
from sqlalchemy import Column, Integer, MetaData, Table, insert
from tests.postgresql import PostgresqlServer, opened

from castalia.db.database import Database
from castalia.jobs.context import JobContext
from castalia.jobs.engine import JobEngine
from castalia.jobs.request import JobRequest, Resource
from castalia.settings import JobSettings

STARTS, NOOPS, LIMITED, HOSTS, STEPPED = 100, 1000, 5000, 50, 400
HOLD_S = 0.5
LEASE_TTL_S = 6.0
WORKERS = 16

_writes = Table("bench_writes", MetaData(), Column("id", Integer, primary_key=True))


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table."""

    what: str
    castalia: float
    unit: str
    peer: float
    peer_name: str

    def __str__(self) -> str:
        ratio = self.castalia / self.peer if self.peer else float("nan")
        ours, theirs = f"{self.castalia:.1f} {self.unit}", f"{self.peer:.1f} {self.unit}"
        return f"{self.what:<46}{ours:>12}{theirs:>13}{ratio:>8.2f}  {self.peer_name}"


class Bench:
    """An engine whose handlers say when they start, and a raw queue beside it."""

    def __init__(self, database: Database, *, workers: int = WORKERS) -> None:
        self.database = database
        self.started: list[float] = []
        self._done = threading.Semaphore(0)
        self.engine = JobEngine(database, JobSettings(workers=workers))
        self.engine.register("noop", self._noop)
        self.engine.register("hold", self._hold)
        self.engine.register("steps", self._steps)

    def _noop(self, _context: JobContext) -> None:
        self._begun()

    def _hold(self, _context: JobContext) -> None:
        time.sleep(HOLD_S)
        self._begun()

    def _steps(self, context: JobContext) -> None:
        for number in range(5):
            context.step(f"step {number}", lambda: None)
        self._begun()

    def _begun(self) -> None:
        self.started.append(time.perf_counter())
        self._done.release()

    def put(self, kind: str, count: int, *, hosts: int = 0) -> None:
        """Enqueues so many jobs in one transaction, each with the only place of a host."""
        with self.database.write() as connection:
            for number in range(count):
                held = (Resource(name=f"host:{number % hosts}"),) if hosts else ()
                request = JobRequest(kind=kind, title=kind, resources=held)
                self.engine.enqueue(connection, request)

    def wait(self, count: int) -> None:
        """Waits until so many more handlers have come through."""
        for _ in range(count):
            self._done.acquire()


def _start_ms(put: Callable[[], None], wait: Callable[[], None], started: list[float]) -> float:
    took = []
    for _ in range(STARTS):
        time.sleep(0.01)  # an idle engine is what is asked about
        begin = time.perf_counter()
        put()
        wait()
        took.append((started[-1] - begin) * 1000)
    return statistics.median(took)


def _rate(put: Callable[[], None], wait: Callable[[], None], count: int) -> float:
    put()
    begin = time.perf_counter()
    wait()
    return count / (time.perf_counter() - begin)


def starts_and_noops(database: Database) -> Iterator[Line]:
    """The time from enqueue to start, and 1,000 jobs that do nothing."""
    bench = Bench(database)
    raw_started: list[float] = []
    raw = RawQueue(database, lambda: raw_started.append(time.perf_counter()), workers=WORKERS)
    bench.engine.start()
    start = _start_ms(lambda: bench.put("noop", 1), lambda: bench.wait(1), bench.started)
    noops = _rate(lambda: bench.put("noop", NOOPS), lambda: bench.wait(NOOPS), NOOPS)
    bench.engine.stop()
    raw.start()
    raw_start = _start_ms(lambda: raw.put(1), lambda: raw.wait(1), raw_started)
    raw_noops = _rate(lambda: raw.put(NOOPS), lambda: raw.wait(NOOPS), NOOPS)
    raw.stop()
    polling = f"raw queue, {WORKERS} polls each {POLL_S} s"
    yield Line(what="enqueue to start, p50", castalia=start, unit="ms", peer=raw_start,
               peer_name=polling)  # fmt: skip
    yield Line(what="1,000 no-op jobs", castalia=noops, unit="/s", peer=raw_noops,
               peer_name="raw queue: no lease, limits, journal")  # fmt: skip


def limited(database: Database) -> Iterator[Line]:
    """5,000 jobs of half a second over 50 hosts, one at a time on each."""
    bench = Bench(database, workers=2 * HOSTS)
    bench.engine.start()
    put = lambda: bench.put("hold", LIMITED, hosts=HOSTS)  # noqa: E731 -- one line beside the next
    rate = _rate(put, lambda: bench.wait(LIMITED), LIMITED)
    bench.engine.stop()
    yield Line(what="5,000 jobs over 50 hosts, one on each", castalia=rate, unit="/s",
               peer=HOSTS / HOLD_S, peer_name="what the limits allow")  # fmt: skip


def beside_writers(database: Database) -> Iterator[Line]:
    """The application's writes while 400 jobs of five steps run."""
    _writes.create(database.engine)
    alone = _writes_p99_ms(database, lambda: time.sleep(3))
    bench = Bench(database)
    bench.put("steps", STEPPED)
    bench.engine.start()
    begin = time.perf_counter()
    beside = _writes_p99_ms(database, lambda: bench.wait(STEPPED))
    took = time.perf_counter() - begin
    bench.engine.stop()
    yield Line(what=f"write p99, 4 writers beside 400 jobs ({took:.1f} s)", castalia=beside,
               unit="ms", peer=alone, peer_name="the same writes without jobs")  # fmt: skip


def _writes_p99_ms(database: Database, during: Callable[[], object]) -> float:
    took: list[float] = []
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            begin = time.perf_counter()
            with database.write() as connection:
                connection.execute(insert(_writes))
            took.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.02)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    during()
    stopping.set()
    for thread in threads:
        thread.join()
    return statistics.quantiles(took, n=100)[98]


def takeover(database: Database, url: str, directory: Path) -> Iterator[Line]:
    """How long a job stands still when its manager is killed: on PostgreSQL until another one has
    taken it over, on SQLite until a fresh one has."""
    (directory / "hold-three").touch()
    engine = JobEngine(database, JobSettings())
    engine.register("steps", lambda _: None)
    with database.write() as connection:
        engine.enqueue(connection, JobRequest(kind="steps", title="steps"))
    effects = directory / "effects"
    with _manager(url, directory) as first:
        _until(lambda: effects.exists() and " three " in effects.read_text())
        with _standby(url, directory, idle=database.sqlite):
            first.send_signal(signal.SIGKILL)
            begin = time.perf_counter()
            with _standby(url, directory, idle=not database.sqlite):
                _until(lambda: effects.read_text().count(" three ") == 2)
                took = time.perf_counter() - begin
    how = "start of the fresh manager included" if database.sqlite else "lease of 6 s"
    yield Line(what=f"killed manager's job resumed, {how}", castalia=took, unit="s",
               peer=LEASE_TTL_S, peer_name="the lease")  # fmt: skip


@contextmanager
def _manager(url: str, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.chaos.job_worker", url, directory, str(LEASE_TTL_S)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "src"})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _standby(url: str, directory: Path, *, idle: bool) -> Iterator[None]:
    if idle:
        yield
        return
    with _manager(url, directory) as process:
        if not url.startswith("sqlite"):
            _until(lambda: f"up {process.pid}\n" in (directory / "effects").read_text())
        yield


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def _lines(url: Callable[[], str]) -> Iterator[Line]:
    for part in (starts_and_noops, limited, beside_writers):
        database = opened(url())
        yield from part(database)
        database.close()
    with tempfile.TemporaryDirectory() as directory:
        address = url()
        database = opened(address)
        yield from takeover(database, address, Path(directory))
        database.close()


def _table(name: str, url: Callable[[], str]) -> None:
    print(f"\n{name:<46}{'Castalia':>12}{'peer':>13}{'ratio':>8}  peer")
    for line in _lines(url):
        print(line, flush=True)


def main() -> None:
    """Prints the table for each database."""
    with tempfile.TemporaryDirectory() as directory:
        files = iter(range(100))
        _table("SQLite", lambda: f"sqlite:///{directory}/{next(files)}.db")
    server = PostgresqlServer(Path(tempfile.mkdtemp(prefix="castalia-pg-")), durable=True)
    try:
        server.start()
        _table("PostgreSQL", server.url)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
