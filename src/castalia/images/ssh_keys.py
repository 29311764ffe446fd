"""Checks SSH public keys before a guest is told to trust them."""

import base64
import binascii
import struct

from castalia.errors import InvalidRequest

_TYPES = (
    *("ssh-ed25519", "ssh-rsa"),
    *("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
_MAX_CHARACTERS = 16 * 1024
_REMEDY = "Paste one line of a .pub file, for example ~/.ssh/id_ed25519.pub."


def checked_ssh_key(line: str, *, field: str = "ssh_keys") -> str:
    """Returns the key as one trimmed line `TYPE BASE64 [COMMENT]`.

    Raises InvalidRequest: for private keys, unknown types, options before the key, or data that is
    not a key of the type it claims.
    """
    key = line.strip()
    if "PRIVATE KEY" in key:
        raise InvalidRequest(
            "This is a private key. It must not leave the machine it was made on.",
            field=field,
            remedy="Paste the public half, the file with the same name and .pub behind it.",
        )
    kind, data, comment = _parts(key, field)
    blob = _decoded(data, field)
    if _named_type(blob) != kind:
        raise InvalidRequest(
            f"The SSH key's data is not that of a {kind} key.", field=field, remedy=_REMEDY
        )
    return " ".join(part for part in (kind, data, comment) if part)


def _parts(key: str, field: str) -> tuple[str, str, str]:
    if not key or len(key) > _MAX_CHARACTERS or not key.isprintable():
        raise InvalidRequest("This is not one SSH public key.", field=field, remedy=_REMEDY)
    kind, _, rest = key.partition(" ")
    if kind not in _TYPES:
        remedy = f"{_REMEDY} Accepted are: {', '.join(_TYPES)}."
        raise InvalidRequest(f"{kind[:40]!r} is not a type of SSH key.", field=field, remedy=remedy)
    data, _, comment = rest.strip().partition(" ")
    return kind, data, comment.strip()


def _decoded(data: str, field: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as exc:
        message = "The SSH key is damaged: its data is not base64."
        raise InvalidRequest(message, field=field, remedy=_REMEDY) from exc


def _named_type(blob: bytes) -> str:
    """A key's data begins with its type's name, after four bytes of length (RFC 4253, 6.6)."""
    if len(blob) < 8:
        return ""
    (length,) = struct.unpack_from(">I", blob)
    return blob[4 : 4 + length].decode("ascii", errors="replace") if length < 64 else ""
