"""Throws away what nobody needs any more."""

from dataclasses import dataclass
from datetime import timedelta

from castalia.services.audit import AuditService
from castalia.services.scheduler import Scheduler
from castalia.services.uploads import UploadService

_HOUR_S = 3600.0
_UPLOADS_KEPT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Housekeeping:
    """Once an hour."""

    scheduler: Scheduler
    audit: AuditService
    uploads: UploadService

    def start(self) -> None:
        """Begins to tidy."""
        self.scheduler.every(_HOUR_S, self._tidy, key="housekeeping")

    def _tidy(self) -> None:
        self.audit.prune()
        self.uploads.prune(older_than=_UPLOADS_KEPT)
