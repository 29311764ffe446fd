"""Checks user-data before a guest is given it, and reads it where it can be read."""

import email
import email.policy
from collections.abc import Iterator
from typing import Any

from castalia.errors import InvalidRequest
from castalia.images.seed_yaml import parse_yaml

_FIELD = "user_data"
_MAX_BYTES = 256 * 1024
_CLOUD_CONFIG = "#cloud-config"
_BEGINNINGS = (
    *(_CLOUD_CONFIG, "#!", "#include", "#cloud-boothook", "#part-handler", "## template: jinja"),
    *("Content-Type: multipart/", "MIME-Version:"),
)
_REMEDY = (
    "Begin it with '#cloud-config' for YAML, with '#!' for a script, or give a MIME multi-part "
    "document."
)


def checked_user_data(text: str) -> str:
    """Returns `text`; raises InvalidRequest when cloud-init would not understand it.

    A #cloud-config is parsed, and the error names the line at fault.
    """
    if len(text.encode()) > _MAX_BYTES:
        remedy = f"At most {_MAX_BYTES // 1024} KiB; have a script download what is larger."
        raise InvalidRequest("The user-data is too large.", field=_FIELD, remedy=remedy)
    if "\0" in text or not text.startswith(_BEGINNINGS):
        message = "cloud-init would not understand this user-data."
        raise InvalidRequest(message, field=_FIELD, remedy=_REMEDY)
    for kind, part in parts_of(text):
        if kind == "cloud-config":
            parse_cloud_config(part)
    return text


def parse_cloud_config(text: str) -> dict[str, Any]:
    """The mapping in a #cloud-config document; raises InvalidRequest."""
    document = parse_yaml(text, field=_FIELD)
    if document is None:
        return {}
    if not isinstance(document, dict):
        remedy = "Write lines such as 'packages: [nginx]' below the first one."
        raise InvalidRequest("A #cloud-config is a mapping.", field=_FIELD, remedy=remedy)
    return document


def parts_of(text: str) -> list[tuple[str, str]]:
    """User-data as (kind, text): `cloud-config`, `script` or `other`; a MIME document has many."""
    if text.startswith(("Content-Type:", "MIME-Version:")):
        try:
            return list(_mime_parts(text))
        except (LookupError, ValueError) as exc:
            message = "This MIME document holds a part that cannot be read."
            raise InvalidRequest(message, field=_FIELD, remedy=_REMEDY, detail=str(exc)) from exc
    return [_kind(text)]


def _mime_parts(text: str) -> Iterator[tuple[str, str]]:
    for part in email.message_from_string(text, policy=email.policy.default).walk():
        if part.get_content_maintype() == "text":
            yield _kind(str(part.get_content()))


def _kind(text: str) -> tuple[str, str]:
    if text.startswith("#cloud-config") and not text.startswith("#cloud-config-archive"):
        return "cloud-config", text
    return ("script" if text.startswith("#!") else "other"), text
