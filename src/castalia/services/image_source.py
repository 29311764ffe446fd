"""Where a disk image comes from."""

import re
from dataclasses import replace
from pathlib import PurePath

from castalia.errors import InvalidRequest
from castalia.model.access import Principal
from castalia.model.image import ImageSource
from castalia.services.uploads import UploadService

_CHECKSUM = re.compile(r"(sha256:)?[0-9a-f]{64}|(sha512:)?[0-9a-f]{128}", re.IGNORECASE)


def checked_source(source: ImageSource) -> ImageSource:
    """Returns the source; raises InvalidRequest unless it names exactly one usable place."""
    named = [field for field in ("url", "path", "upload_id") if getattr(source, field)]
    if len(named) != 1:
        remedy = "Give exactly one of: url, path, upload."
        raise InvalidRequest("The image has no single source.", field="source", remedy=remedy)
    if source.url and not source.url.lower().startswith(("http://", "https://")):
        remedy = "Use an http or https address."
        raise InvalidRequest(f"{source.url!r} cannot be fetched.", field="url", remedy=remedy)
    if source.path and not PurePath(source.path).is_absolute():
        remedy = "Write the full path on the manager's machine."
        raise InvalidRequest(f"{source.path!r} is no full path.", field="path", remedy=remedy)
    if source.checksum and not _CHECKSUM.fullmatch(source.checksum):
        remedy = "Write sha256:… (64 hexadecimal digits) or sha512:… (128)."
        raise InvalidRequest("The checksum is no usable one.", field="checksum", remedy=remedy)
    return source


def named_source(source: ImageSource, uploads: UploadService, principal: Principal) -> ImageSource:
    """The source with the name that an upload came with. Raises NotFound, or Conflict while the
    upload is not complete."""
    if not source.upload_id:
        return source
    uploads.content(source.upload_id)
    upload = uploads.get(source.upload_id, principal=principal)
    return replace(source, filename=upload.filename, checksum=source.checksum or upload.sha256)
