"""Identifiers of objects."""

import secrets
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """A 20-character identifier that sorts by the time it was made (milliseconds), then at
    random."""
    value = (int(time.time() * 1000) << 52) | secrets.randbits(52)
    text = ""
    for _ in range(20):
        value, digit = divmod(value, 32)
        text = _ALPHABET[digit] + text
    return text


def new_uuid() -> str:
    """A random UUID in libvirt's spelling."""
    return str(uuid.uuid4())


def new_mac() -> str:
    """A random MAC address in the range that QEMU guests use (52:54:00)."""
    tail = secrets.token_bytes(3)
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in tail)
