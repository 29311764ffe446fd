"""The durable job engine: enqueues, runs, resumes, cancels, lists.

A job runs at least once, each of its steps once and for all; see `context`. Several managers may
share a PostgreSQL database, each with an engine: when one dies, the others take its jobs over as
soon as the leases have run out. On SQLite there is one manager, and its jobs go on as soon as it
is started again.
"""

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Connection

from castalia.errors import Conflict, NotFound
from castalia.jobs import queue, reading
from castalia.jobs.announce import Announcer, CommitWatch
from castalia.jobs.claim import STARVING_AFTER_S, Claimant, requeue_all
from castalia.jobs.database import JobDatabase
from castalia.jobs.dispatcher import Dispatcher
from castalia.jobs.heartbeat import Heartbeat
from castalia.jobs.kinds import Handler, Kind, Kinds
from castalia.jobs.listener import Listener
from castalia.jobs.lock import ProcessLock
from castalia.jobs.request import JobRequest
from castalia.jobs.retention import Retention
from castalia.jobs.schedule import RequestFactory, Schedule, Scheduler
from castalia.jobs.tables import jobs
from castalia.model.job import Job, JobLogLine, JobState
from castalia.model.page import Page
from castalia.settings import JobSettings


class JobEngine:
    """One per manager process."""

    def __init__(
        self,
        database: JobDatabase,
        settings: JobSettings,
        *,
        lock_dir: Path | None = None,
        on_change: Callable[[Job], None] | None = None,
        starving_after_s: float = STARVING_AFTER_S,
    ) -> None:
        """`lock_dir` is where a lock file proves, on SQLite, that one process alone is at work.
        `on_change` gets a job after each commit that changed it, from any thread."""
        self._database = database
        self._settings = settings
        self._starving_after_s = starving_after_s
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._lock = ProcessLock(lock_dir) if lock_dir and database.sqlite else None
        self._kinds = Kinds()
        self._announcer = Announcer(self.get, on_change)
        self._dispatcher = Dispatcher(
            database,
            kinds=self._kinds,
            announcer=self._announcer,
            claimant=self._claimant,
            workers=settings.workers,
        )
        self._watch = CommitWatch(self._dispatcher.created)
        self._scheduler = Scheduler(database, self.enqueue)
        self._heartbeat = self._make_heartbeat()
        self._listener = None if database.sqlite else Listener(database, self._heard)

    def register(self, kind: str, handler: Handler, *, version: int = 1, retries: int = 0) -> None:
        """Makes a kind of job known. A job whose handler ends in a TemporaryError is tried again
        up to `retries` times before it is undone. Raises ValueError when it is known already."""
        self._kinds.add(Kind(name=kind, version=version, handler=handler, retries=retries))

    def start(self) -> None:
        """Begins to run jobs, first those that were interrupted.

        Raises Conflict when another process runs on the same SQLite database.
        """
        if self._lock:
            self._lock.take()
            with self._database.write() as connection:
                requeue_all(connection)
        self._dispatcher.start()
        self._heartbeat.start()
        if self._listener:
            self._listener.start()
        self.wake()

    def stop(self, *, timeout_s: float = 10.0) -> bool:
        """Shuts down: handlers leave at their next check or step, and their jobs go on after the
        next start. Returns whether all have left within `timeout_s` seconds."""
        left = self._dispatcher.stop(timeout_s=timeout_s)
        self._heartbeat.stop()
        if self._listener:
            self._listener.stop()
        if self._lock:
            self._lock.free()
        return left

    def enqueue(self, connection: Connection, request: JobRequest) -> str:
        """Adds a job in the caller's write transaction and returns its id; it starts after the
        commit. Raises ValueError for a kind that is not registered."""
        version = self._kinds.newest(request.kind)
        job_id = queue.put(connection, request, version=version, origin=self._owner)
        self._watch.watch(connection, job_id)
        return job_id

    def wake(self) -> None:
        """Looks for jobs that may start now."""
        self._dispatcher.wake()

    def cancel(self, job_id: str) -> None:
        """Ends a job and its children. What has not begun ends at once; what runs is undone.

        Raises NotFound; Conflict when all of it has finished.
        """
        with self._database.write() as connection:
            asked = queue.cancel(connection, job_id, origin=self._owner)
        if not asked:
            state = self.get(job_id).state
            raise Conflict(f"The job has {state} already.", code="job.finished")
        running = self._dispatcher.running()
        for each in asked:
            if each in running:
                running[each].flags.cancel()
            self._announcer.changed(each)
        self.wake()

    def retry(self, job_id: str) -> str:
        """Runs a failed or cancelled job again, as a new job; returns its id.

        Raises NotFound; Conflict when it is unfinished or has succeeded.
        """
        kind = self.get(job_id).kind
        with self._database.write() as connection:
            version = self._kinds.newest(kind)
            new_id = queue.repeat(connection, job_id, version=version, origin=self._owner)
            if new_id is None:
                raise NotFound(f"There is no job {job_id}.", code="job.not-found")
            self._watch.watch(connection, new_id)
        return new_id

    def get(self, job_id: str) -> Job:
        """The job with its steps. Raises NotFound."""
        with self._database.read() as connection:
            return reading.get(connection, job_id, viewer=self._claimant())

    def list(
        self,
        *,
        state: JobState | None = None,
        target: str = "",
        parent_id: str = "",
        filter: str = "",
        limit: int = 100,
        cursor: str = "",
    ) -> Page[Job]:
        """Jobs without their steps, newest first. `filter` is `state:failed user:alice web`, with
        the fields state, kind, target, host, parent, user, code. Raises InvalidRequest for a
        filter that cannot be understood."""
        where: list[ColumnElement[bool]] = reading.conditions(filter)
        if state is not None:
            where.append(jobs.c.state == state.value)
        if target:
            where.append(jobs.c.target == target)
        if parent_id:
            where.append(jobs.c.parent_id == parent_id)
        with self._database.read() as connection:
            return reading.page(
                connection, where=where, limit=limit, cursor=cursor, viewer=self._claimant()
            )

    def log(self, job_id: str, after: int = 0) -> Sequence[JobLogLine]:
        """The log from the line behind number `after` on."""
        with self._database.read() as connection:
            return reading.lines(connection, job_id, after=after)

    def wait(self, job_id: str, *, timeout_s: float) -> Job:
        """The job once it has finished, or as it stands after `timeout_s` seconds. Raises
        NotFound."""
        return self._announcer.wait(job_id, timeout_s=timeout_s)

    def schedule(
        self,
        name: str,
        *,
        cron: str,
        request: JobRequest | RequestFactory,
        timezone: str = "UTC",
    ) -> None:
        """Enqueues a job whenever the cron expression says so, in the named time zone. A factory
        makes the request anew each time. Raises InvalidRequest for an unusable expression."""
        self._scheduler.add(name, cron=cron, timezone=timezone, request=request)

    def unschedule(self, name: str) -> None:
        """Forgets a schedule; jobs that it has made stay."""
        self._scheduler.remove(name)

    def schedules(self) -> Sequence[Schedule]:
        """Every schedule, by name."""
        return self._scheduler.all()

    def _claimant(self) -> Claimant:
        return Claimant(
            owner=self._owner,
            kinds=self._kinds.known(),
            lease_ttl_s=self._settings.lease_ttl_s,
            starving_after_s=self._starving_after_s,
        )

    def _make_heartbeat(self) -> Heartbeat:
        retention = Retention(
            self._database,
            retention_days=self._settings.retention_days,
            kinds=self._kinds.known,
        )
        return Heartbeat(
            self._dispatcher,
            owner=self._owner,
            lease_ttl_s=self._settings.lease_ttl_s,
            ticks=(self._scheduler.tick, retention.tick),
        )

    def _heard(self, notice: str) -> None:
        word, _, origin = notice.partition(" ")
        if origin == self._owner:
            return  # what is said here is known here
        if word == "cancel":
            self._heartbeat.beat_now()
        self.wake()
