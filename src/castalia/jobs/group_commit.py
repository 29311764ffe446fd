"""Lets writes of many threads share a transaction.

A commit waits for the disk, and on SQLite for its turn as well. While one thread commits, the
others' writes gather, and the next thread commits all of them at once: with many jobs at work the
application's own writers meet one other writer, not sixteen.

On PostgreSQL such a transaction locks the rows of several jobs. Everything in this package that
locks more than one does so in the order of their ids, or two of them could wait for each other.
"""

import threading
from collections.abc import Callable

from sqlalchemy import Connection

from castalia.jobs.database import JobDatabase
from castalia.jobs.signals import LeaseLost

Work = Callable[[Connection], None]


class _Entry:
    def __init__(self, work: Work, *, order: str) -> None:
        self.work = work
        self.order = order
        self.over = False
        self.error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """A lost lease shows before anything is written, so it does not harm the others."""
        self.error = None
        try:
            self.work(connection)
        except LeaseLost as error:
            self.error = error


class GroupCommit:
    """Commits what threads hand in, as few transactions as possible."""

    def __init__(self, database: JobDatabase) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._gathered: list[_Entry] = []
        self._busy = False

    def write(self, work: Work, *, order: str = "") -> None:
        """Returns when `work` is committed; raises what it raised, or why the commit failed. `work`
        may run twice, in a transaction of its own the second time. `order` is the id of the job
        whose row it locks; what locks several goes first, without one."""
        entry = _Entry(work, order=order)
        with self._condition:
            self._gathered.append(entry)
            self._condition.wait_for(lambda: entry.over or not self._busy)
            leads = not entry.over
            self._busy = self._busy or leads
        if leads:
            self._lead()
        if entry.error is not None:
            raise entry.error

    def _lead(self) -> None:
        with self._condition:
            entries = sorted(self._gathered, key=lambda entry: entry.order)
            self._gathered = []
        try:
            self._commit(entries)
        finally:
            with self._condition:
                for entry in entries:
                    entry.over = True
                self._busy = False
                self._condition.notify_all()

    def _commit(self, entries: list[_Entry]) -> None:
        try:
            with self._database.write() as connection:
                for entry in entries:
                    entry.run(connection)
        except Exception as error:
            if len(entries) == 1:
                entries[0].error = error
                return
            for entry in entries:
                self._commit([entry])
