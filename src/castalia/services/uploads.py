"""Uploads: files that arrive in pieces, straight to disk, and may be resumed."""

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from castalia.errors import Conflict, InvalidRequest, NotFound, StorageError
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.model.names import checked_name
from castalia.model.upload import Upload
from castalia.workflows.parts import Locks

_RESERVE_BYTES = 1024**3


@dataclass(frozen=True, kw_only=True)
class UploadService:
    """Keeps each upload as a file and a small description beside it."""

    directory: Path
    limit_bytes: int
    locks: Locks

    def begin(
        self, filename: str, *, size_bytes: int, sha256: str = "", principal: Principal
    ) -> Upload:
        """Makes room for a file of exactly `size_bytes` bytes."""
        principal.require(Role.OPERATOR)
        checked_name(filename, field="filename")
        if not 0 < size_bytes <= self.limit_bytes:
            remedy = f"Send at most {format_bytes(self.limit_bytes)}."
            raise InvalidRequest("The size is no usable one.", field="size_bytes", remedy=remedy)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(self.directory).free - _RESERVE_BYTES
        if size_bytes > free_bytes:
            raise StorageError(
                f"The manager has room for {format_bytes(max(free_bytes, 0))} only.",
                code="storage.full",
                remedy="Make room in its state directory, or import from a URL on a larger one.",
            )
        upload = Upload(
            id=new_id(),
            filename=filename,
            size_bytes=size_bytes,
            sha256=sha256,
            created_by=principal.user_name,
            created_at=now(),
        )
        self._content(upload.id).touch(mode=0o600)
        self._describe(upload)
        return upload

    def get(self, upload_id: str, *, principal: Principal) -> Upload:
        """How far the upload is. Raises NotFound."""
        principal.require(Role.OPERATOR)
        return self._read(upload_id)

    def append(
        self, upload_id: str, *, offset: int, chunks: Iterable[bytes], principal: Principal
    ) -> Upload:
        """Adds bytes that begin at `offset`.

        Raises Conflict if the upload is elsewhere (ask where, and go on from there), InvalidRequest
        if more comes
        than was announced; what arrived before an interruption stays.
        """
        principal.require(Role.OPERATOR)
        with self.locks.hold(f"upload:{upload_id}"):
            upload = self._read(upload_id)
            if offset != upload.offset:
                raise Conflict(
                    f"The upload is at byte {upload.offset}, not {offset}.",
                    code="upload.offset",
                    remedy=f"Go on from byte {upload.offset}.",
                )
            with self._content(upload_id).open("ab") as file:
                for chunk in chunks:
                    if file.tell() + len(chunk) > upload.size_bytes:
                        remedy = "Begin again and announce the right size."
                        raise InvalidRequest(
                            "More came than was announced.", field="body", remedy=remedy
                        )
                    file.write(chunk)
        return self._read(upload_id)

    def abort(self, upload_id: str, *, principal: Principal) -> None:
        """Throws the upload away."""
        principal.require(Role.OPERATOR)
        self.discard(self._read(upload_id).id)

    def discard(self, upload_id: str) -> None:
        """Deletes the files of an upload; one that is gone is no error."""
        self._content(upload_id).unlink(missing_ok=True)
        self._description(upload_id).unlink(missing_ok=True)

    def prune(self, *, older_than: timedelta) -> None:
        """Discards uploads that have not grown for that long."""
        limit = time.time() - older_than.total_seconds()
        for content in self.directory.glob("*.part"):
            if content.stat().st_mtime < limit:
                self.discard(content.stem)

    def content(self, upload_id: str) -> Path:
        """The file of a complete upload. Raises NotFound, or Conflict while bytes are missing."""
        upload = self._read(upload_id)
        if not upload.complete:
            remedy = f"Send the rest, from byte {upload.offset}."
            raise Conflict("The upload is not complete.", code="upload.incomplete", remedy=remedy)
        return self._content(upload_id)

    def _read(self, upload_id: str) -> Upload:
        try:
            checked_name(upload_id)
            data = json.loads(self._description(upload_id).read_text())
            size = self._content(upload_id).stat().st_size
        except (OSError, InvalidRequest) as error:
            remedy = "Begin a new one; uploads are kept for a day."
            raise NotFound(
                "There is no such upload.", code="upload.not-found", remedy=remedy
            ) from error
        created_at = datetime.fromisoformat(data.pop("created_at"))
        return Upload(**data | {"offset": size, "created_at": created_at})

    def _describe(self, upload: Upload) -> None:
        data = asdict(replace(upload, offset=0)) | {"created_at": upload.created_at.isoformat()}
        self._description(upload.id).write_text(json.dumps(data))

    def _content(self, upload_id: str) -> Path:
        return self.directory / f"{upload_id}.part"

    def _description(self, upload_id: str) -> Path:
        return self.directory / f"{upload_id}.json"
