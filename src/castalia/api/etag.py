"""Entity tags: which revision of an object a client has seen, for edits that must not overwrite one
another.

A tag is the object's revision and a digest of its JSON: measured values change without a new
revision. `If-Match` therefore compares the revision only, and `"7"` is as good as `"7-1f3a…"`.
"""

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, Request

from castalia.errors import InvalidRequest

_TAG = re.compile(r'(?:W/)?"(\d{1,18})(?:-[0-9a-f]+)?"')


def tag_of(revision: int, body: bytes) -> str:
    """The ETag of an object whose JSON is `body`."""
    return f'"{revision}-{hashlib.blake2b(body, digest_size=6).hexdigest()}"'


def unchanged(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` says that the client has this already."""
    wanted = request.headers.get("if-none-match", "")
    known = {part.strip().removeprefix("W/") for part in wanted.split(",")}
    return tag in known or "*" in known


def expected_revision(
    if_match: Annotated[
        str | None,
        Header(
            description="The object's ETag or quoted revision: refuse the change (412) if "
            "somebody else changed it since.",
            examples=['"7"'],
        ),
    ] = None,
) -> int | None:
    """The revision that the client changes, or None for whatever is there.

    Raises InvalidRequest for anything that was never a tag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        remedy = 'Send the ETag as it came, or the revision in quotes: "7".'
        raise InvalidRequest("If-Match is no ETag.", field="If-Match", remedy=remedy)
    return int(match.group(1))


ExpectedRevision = Annotated[int | None, Depends(expected_revision)]
