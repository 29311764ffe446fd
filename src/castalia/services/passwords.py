"""Passwords: what they must be, how they are kept (Argon2id), and how they are checked."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from castalia.errors import InvalidRequest

MIN_LENGTH, MAX_LENGTH = 8, 1024
_AT_ONCE = 2
"""A hash takes 64 MiB and a core; more at once would let logins starve everything else."""


class Passwords:
    """Hashes and checks passwords, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The hash to keep; it holds its salt and parameters."""
        with self._turns:
            return self._hasher.hash(password)

    def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one. Without a hash the answer is no, and takes as
        long: nobody can tell by the time whether a user exists."""
        with self._turns:
            try:
                right = self._hasher.verify(hashed or self._nobody, password[:MAX_LENGTH])
            except (VerificationError, InvalidHashError):
                return False
        return right and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)


def checked_password(password: str, *, user_name: str = "", field: str = "password") -> str:
    """Returns `password` if it can be one; raises InvalidRequest naming `field`."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        remedy = f"Use {MIN_LENGTH} to {MAX_LENGTH} characters."
        raise InvalidRequest("The password is too short or too long.", field=field, remedy=remedy)
    if user_name and password.lower() == user_name.lower():
        remedy = "Choose one that nobody guesses."
        raise InvalidRequest("The password is the user's name.", field=field, remedy=remedy)
    return password


def random_password() -> str:
    """A password of 120 random bits that can be typed."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(6)) for _ in range(4))
