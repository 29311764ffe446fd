"""Hashes passwords for guests, in the form that every guest's /etc/shadow understands."""

import re

from castalia.errors import InvalidRequest
from castalia.images.command import run

_HASH = re.compile(r"\$[0-9a-z]{1,6}\$[./A-Za-z0-9$=,+-]{1,500}")
_MAX_CHARACTERS = 512


def password_hash(plain: str) -> str:
    """The sha512-crypt hash of a guest user's password, with a salt of its own.

    Guests verify it with crypt(3), so argon2, which the manager uses for its own users, is no
    choice. Python's `crypt` module is gone from 3.13 on and passlib is no longer kept; OpenSSL's
    program is on every Debian, reads the password from standard input, and so never shows it in a
    process list. Raises InvalidRequest for a password that cannot be typed at a login prompt.
    """
    if not plain or len(plain) > _MAX_CHARACTERS or not plain.isprintable():
        raise InvalidRequest(
            "This cannot be a password.",
            field="password",
            remedy=f"Use 1 to {_MAX_CHARACTERS} characters that can be typed on one line.",
        )
    argv = ["openssl", "passwd", "-6", "-stdin"]
    output = run(argv, failure="The password could not be hashed.", stdin=plain.encode() + b"\n")
    return output.decode().strip()


def checked_password_hash(text: str, *, field: str = "password_hash") -> str:
    """Returns a crypt(3) hash; raises InvalidRequest for anything else, such as the password."""
    if not _HASH.fullmatch(text):
        remedy = "Make one with `openssl passwd -6`, or give the password itself instead."
        raise InvalidRequest("This is not a password hash.", field=field, remedy=remedy)
    return text
