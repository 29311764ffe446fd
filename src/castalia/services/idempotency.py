"""Requests that may be sent twice: the second gets the first one's answer."""

from dataclasses import dataclass
from datetime import timedelta

from castalia.db import idempotency as store
from castalia.db.database import Database
from castalia.errors import Busy, Conflict
from castalia.model.access import Principal
from castalia.model.clock import now

_KEPT = timedelta(hours=24)
_ABANDONED = timedelta(minutes=10)
"""A request that is not answered after this time was cut off by the manager's end."""


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """An answer as it was sent."""

    status: int
    headers: dict[str, str]
    body: str


class IdempotencyService:
    """Keeps answers by user and key for a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, *, fingerprint: str, principal: Principal) -> StoredAnswer | None:
        """Reserves the key; or returns the answer that was given under it.

        Raises Conflict (`idempotency.reused`) if another request used the key, and Busy while the
        first is still being answered.
        """
        at = now()
        with self._database.write() as connection:
            store.prune(connection, before=at - _KEPT)
            row = store.get(connection, principal.user_id, key)
            if row is not None and row.fingerprint != fingerprint:
                remedy = "Use a new key for each new request."
                message = "Another request was made with this key."
                raise Conflict(message, code="idempotency.reused", remedy=remedy)
            if row is not None and row.status is not None:
                return StoredAnswer(status=row.status, headers=row.headers, body=row.body)
            if row is not None and at - row.created_at < _ABANDONED:
                remedy = "Wait a moment, then ask again with the same key."
                message = "The first request with this key is still being answered."
                raise Busy(message, code="idempotency.pending", remedy=remedy)
            store.claim(connection, principal.user_id, key, fingerprint=fingerprint, at=at)
        return None

    def finish(self, key: str, answer: StoredAnswer, *, principal: Principal) -> None:
        """Keeps the answer."""
        with self._database.write() as connection:
            store.finish(
                connection,
                principal.user_id,
                key,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
            )

    def abandon(self, key: str, *, principal: Principal) -> None:
        """Gives the key free: nothing was done."""
        with self._database.write() as connection:
            store.delete(connection, principal.user_id, key)
