"""Starts jobs: a thread that claims what may run and gives each job a thread of its own."""

import threading
from collections import deque
from collections.abc import Callable

import structlog

from castalia.jobs.announce import Announcer
from castalia.jobs.claim import Claim, Claimant, claim, pause_s
from castalia.jobs.database import JobDatabase
from castalia.jobs.flags import RunFlags
from castalia.jobs.group_commit import GroupCommit
from castalia.jobs.kinds import Kinds
from castalia.jobs.run import Run
from castalia.jobs.run_journal import RunJournal

_logger = structlog.get_logger(__name__)
_POLL_S = 1.0


class RunningJob:
    """A job at work in this process."""

    def __init__(self, claim: Claim, flags: RunFlags, journal: RunJournal) -> None:
        self.claim = claim
        self.flags = flags
        self.journal = journal


class Dispatcher:
    """Keeps up to `workers` jobs running."""

    def __init__(
        self,
        database: JobDatabase,
        *,
        kinds: Kinds,
        announcer: Announcer,
        claimant: Callable[[], Claimant],
        workers: int,
    ) -> None:
        self._database = database
        self.commits = GroupCommit(database)
        self._kinds = kinds
        self._announcer = announcer
        self._claimant = claimant
        self._workers = workers
        self._created: deque[str] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._changed = threading.Condition()
        self._running: dict[str, RunningJob] = {}
        self._thread = threading.Thread(target=self._loop, name="job-dispatcher", daemon=True)

    def start(self) -> None:
        """Begins to claim."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to start."""
        self._wake.set()

    def created(self, job_ids: list[str]) -> None:
        """Jobs were enqueued in this process, and their transaction is over."""
        self._created.extend(job_ids)
        self._wake.set()

    def running(self) -> dict[str, RunningJob]:
        """The jobs at work here, by id."""
        with self._changed:
            return dict(self._running)

    def stop(self, *, timeout_s: float) -> bool:
        """Claims no more, asks handlers to leave and waits for them; whether all have left."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        for job in self.running().values():
            job.flags.stop()
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout=timeout_s)

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.wait(_POLL_S)
            self._wake.clear()
            try:
                self._announce()
                self._fill()
            except Exception:
                # The database may be away for a while; the poll tries again.
                _logger.exception("job.claim-failed")

    def _announce(self) -> None:
        while self._created:
            self._announcer.created(self._created.popleft())

    def _fill(self) -> None:
        while not self._stopping:
            running = self.running()
            slots = self._workers - len(running)
            if slots <= 0:
                return
            claims = claim(self._database, self._claimant(), slots=slots, running=running)
            if claims is None:
                threading.Event().wait(pause_s())
                continue
            if not claims:
                return
            for each in claims:
                self._begin(each)

    def _begin(self, claimed: Claim) -> None:
        flags = RunFlags()
        if claimed.cancel_requested:
            flags.cancel()
        journal = RunJournal(self._database, self.commits, claimed, changed=self._announcer.changed)
        kind = self._kinds.get(claimed.kind, claimed.version)
        run = Run(claim=claimed, kind=kind, journal=journal, flags=flags)
        with self._changed:
            self._running[claimed.id] = RunningJob(claimed, flags, journal)
        name = f"job-{claimed.id}"
        threading.Thread(target=self._work, args=(run,), name=name, daemon=True).start()

    def _work(self, run: Run) -> None:
        try:
            self._announcer.changed(run.claim.id)
            run()
        finally:
            with self._changed:
                self._running.pop(run.claim.id, None)
                self._changed.notify_all()
            self._wake.set()
