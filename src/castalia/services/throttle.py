"""Slows down whoever guesses passwords, without locking out whoever is guessed at.

Failures are counted per user and address together, so that a stranger cannot lock a user out from
elsewhere; with higher limits also per address (many users tried from one place) and per user (one
user tried from many places).
"""

import math
from datetime import timedelta

from castalia.db import login_failures as store
from castalia.db.database import Database
from castalia.errors import TooManyAttempts
from castalia.model.clock import now
from castalia.services.secret import hash_of
from castalia.settings import AccessSettings

_ADDRESS_FACTOR = 4
_USER_FACTOR = 10


class Throttle:
    """Counts attempts before they are made, so that many at once do not slip through."""

    def __init__(self, database: Database, settings: AccessSettings) -> None:
        self._database = database
        self._settings = settings

    def begin(self, user_name: str, *, source: str) -> None:
        """Counts an attempt. Raises TooManyAttempts if it must not be made now."""
        at = now()
        ends_at = at + timedelta(seconds=self._settings.throttle_s)
        with self._database.write() as connection:
            for key, allowed in self._limits(user_name, source).items():
                until = store.blocked_until(connection, key, allowed=allowed, now=at)
                if until is not None:
                    raise _too_many((until - at).total_seconds())
            store.prune(connection, now=at)
            for key in self._limits(user_name, source):
                store.add(connection, key, now=at, ends_at=ends_at)

    def succeeded(self, user_name: str, *, source: str) -> None:
        """The attempt was no failure. The address's earlier failures stay counted: else whoever has
        one password could guess others for ever."""
        pair, address, user = self._limits(user_name, source)
        with self._database.write() as connection:
            store.clear(connection, pair)
            store.take_back(connection, address)
            store.take_back(connection, user)

    def _limits(self, user_name: str, source: str) -> dict[str, int]:
        allowed, user = self._settings.failures_allowed, hash_of(user_name)
        return {
            f"both:{user}:{source}": allowed,
            f"address:{source}": allowed * _ADDRESS_FACTOR,
            f"user:{user}": allowed * _USER_FACTOR,
        }


def _too_many(wait_s: float) -> TooManyAttempts:
    seconds = max(1, math.ceil(wait_s))
    remedy = f"Wait {seconds} seconds, then try again."
    return TooManyAttempts("Too many logins have failed.", remedy=remedy, retry_after_s=seconds)
