"""ISOs and disk images from outside, into a repository."""

from dataclasses import dataclass

from castalia.db import hosts as host_store
from castalia.db import storage as storage_store
from castalia.db.database import Database
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.image import ImageSource
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.plan import Plan
from castalia.model.storage import Repository
from castalia.services.checks import blocked, host_up, ok
from castalia.services.image_source import checked_source, named_source
from castalia.services.submission import Submission
from castalia.services.uploads import UploadService
from castalia.workflows.arguments import to_json


@dataclass(frozen=True, kw_only=True)
class VolumeImportService:
    """Nothing reaches a host before it was inspected on the manager."""

    database: Database
    submission: Submission
    uploads: UploadService

    def start(
        self, repository: str, name: str, source: ImageSource, *, principal: Principal
    ) -> Job:
        """Enqueues the import as volume `name`. A path on the manager needs the role admin."""
        source = self._checked(source, principal)
        found = self._find(repository)
        plan = self._plan(found, name or source.basename, source)
        request = JobRequest(
            kind="volume_import",
            title=plan.title,
            args={
                "host": found.host_id,
                "repository": found.name,
                "volume": name or source.basename,
                "source": to_json(source),
                "user": principal.user_name,
            },
            resources=(
                Resource(
                    name=f"storage:{found.host_id}/{found.name}/{name or source.basename}",
                    label=f"volume {name or source.basename}",
                ),
                Resource(name="image-work", limit=2, label="image work"),
            ),
            target=f"repository:{found.id}",
            target_name=f"{found.name}/{name or source.basename}",
            host_id=found.host_id,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan(
        self, repository: str, name: str, source: ImageSource, *, principal: Principal
    ) -> Plan:
        """What `start` would do."""
        source = self._checked(source, principal)
        return self._plan(self._find(repository), name or source.basename, source)

    def _checked(self, source: ImageSource, principal: Principal) -> ImageSource:
        principal.require(Role.ADMIN if source.path else Role.OPERATOR)
        return named_source(checked_source(source), self.uploads, principal)

    def _find(self, ref: str) -> Repository:
        with self.database.read() as connection:
            return storage_store.find(connection, ref)

    def _plan(self, repository: Repository, name: str, source: ImageSource) -> Plan:
        checked_name(name)
        with self.database.read() as connection:
            host = host_store.get(connection, repository.host_id)
            same = storage_store.volumes_named(connection, name, host_id=host.id)
        free = ok("name", "The name is free.")
        if any(volume.repository_id == repository.id for volume in same):
            free = blocked(
                "name",
                f"Repository {repository.name} has a volume {name} already.",
                remedy="Choose another name.",
                code="volume.name-taken",
                field="name",
            )
        return Plan(
            title=f"Import {name} into {repository.name}",
            checks=(host_up(host), free),
            steps=(
                f"fetch {source.label}",
                "inspect it: format, size, no backing file, not truncated",
                f"store it in {repository.name}",
            ),
        )
