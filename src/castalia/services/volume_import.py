"""Brings ISOs and disk images from outside into a repository, as volumes."""

from dataclasses import dataclass

from castalia.db import hosts as host_store
from castalia.db import storage as storage_store
from castalia.db.database import Database
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.host import Host
from castalia.model.image import ImageSource
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.plan import Check, Plan
from castalia.model.storage import Repository
from castalia.services.checks import blocked, host_up, ok
from castalia.services.image_source import checked_source
from castalia.services.submission import Submission
from castalia.workflows.arguments import to_json


@dataclass(frozen=True, kw_only=True)
class VolumeImportService:
    """Enqueues imports; the job kind is `volume_import`."""

    database: Database
    submission: Submission

    def start(
        self, repository: str, name: str, source: ImageSource, *, principal: Principal
    ) -> Job:
        """Enqueues making the volume `name` of what `source` holds.

        Raises InvalidRequest for a source or name that cannot be right; a path on the manager needs
        the role admin.
        """
        found, host = self._place(repository, source, principal)
        plan = self._plan(found, host, name, source)
        label = f"{found.name}/{name}"
        request = JobRequest(
            kind="volume_import",
            title=plan.title,
            args={
                "host": host.id,
                "repository": found.name,
                "volume": name,
                "source": to_json(source),
                "user": principal.user_name,
            },
            resources=(
                Resource(name=f"storage:{host.id}/{found.name}/{name}", label=label),
                Resource(name="image-work", limit=2, label="image work"),
            ),
            target=f"repository:{found.id}",
            target_name=label,
            host_id=host.id,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan(
        self, repository: str, name: str, source: ImageSource, *, principal: Principal
    ) -> Plan:
        """What `start` would do."""
        found, host = self._place(repository, source, principal)
        return self._plan(found, host, name, source)

    def _place(
        self, repository: str, source: ImageSource, principal: Principal
    ) -> tuple[Repository, Host]:
        principal.require(Role.ADMIN if source.path else Role.OPERATOR)
        checked_source(source)
        with self.database.read() as connection:
            found = storage_store.find(connection, repository)
            return found, host_store.get(connection, found.host_id)

    def _plan(self, repository: Repository, host: Host, name: str, source: ImageSource) -> Plan:
        checked_name(name)
        return Plan(
            title=f"Import {name} into {repository.name}",
            checks=(host_up(host), self._name_check(repository, name)),
            steps=(
                f"fetch {source.label}",
                "inspect it: format, size, no backing file, not truncated",
                f"write it to {host.name}",
            ),
        )

    def _name_check(self, repository: Repository, name: str) -> Check:
        with self.database.read() as connection:
            taken = storage_store.volumes_named(connection, name, host_id=repository.host_id)
        if any(volume.repository_id == repository.id for volume in taken):
            return blocked(
                "name",
                f"Repository {repository.name} has a volume {name} already.",
                remedy="Choose another name.",
                code="volume.name-taken",
                field="name",
            )
        return ok("name", "The name is free.")
