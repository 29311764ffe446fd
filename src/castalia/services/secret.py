"""Secrets of sessions, tokens and tickets: random, and kept as hashes only.

SHA-256 without salt is right here, unlike for passwords: there are 256 random bits to guess.
"""

import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """A secret of 256 random bits that can stand in a URL."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
