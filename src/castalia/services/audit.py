"""The audit: who asked for which change, from where, and how it ended. Secrets never get here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection

from castalia.db import audit as store
from castalia.db.database import Database
from castalia.errors import CastaliaError
from castalia.model.access import AuditEntry, Principal, Role
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.model.page import Page, PageRequest

RETENTION_DAYS = 365
_LONGEST = 1000


class AuditService:
    """Records changes, and shows what was recorded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, page: PageRequest, *, principal: Principal) -> Page[AuditEntry]:
        """A page of entries; for administrators."""
        principal.require(Role.ADMIN)
        with self._database.read() as connection:
            return store.page(connection, page)

    def record(
        self, principal: Principal, *, action: str, target: str, outcome: str, detail: str = ""
    ) -> None:
        """Notes what `principal` asked for. `outcome` is done, accepted (a job does it), refused or
        failed; `detail` must hold no secret."""
        with self._database.write() as connection:
            store.insert(connection, _entry(principal, action, target, outcome, detail))

    @contextmanager
    def change(self, principal: Principal, *, action: str, target: str) -> Iterator[Connection]:
        """A write transaction that is recorded: as done with it, or as refused if it raises.

        There is never a change without its entry.
        """
        try:
            with self._database.write() as connection:
                yield connection
                store.insert(connection, _entry(principal, action, target, "done", ""))
        except CastaliaError as error:
            self.record(
                principal, action=action, target=target, outcome="refused", detail=error.code
            )
            raise

    def prune(self) -> None:
        """Forgets entries that are older than a year."""
        with self._database.write() as connection:
            store.prune(connection, before=now() - timedelta(days=RETENTION_DAYS))


def _entry(principal: Principal, action: str, target: str, outcome: str, detail: str) -> AuditEntry:
    return AuditEntry(
        id=new_id(),
        at=now(),
        user_name=_plain(principal.user_name),
        source=_plain(principal.source),
        channel=principal.channel,
        action=action,
        target=_plain(target),
        outcome=outcome,
        detail=_plain(detail),
    )


def _plain(text: str) -> str:
    """Names come from strangers too: nothing that breaks a line, a terminal or a database."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_LONGEST])
