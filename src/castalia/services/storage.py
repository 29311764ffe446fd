"""Repositories and volumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from castalia.db import hosts as host_store
from castalia.db import storage as storage_store
from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.amount import format_bytes
from castalia.model.host import Host
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.page import Page, PageRequest
from castalia.model.plan import Check, Plan
from castalia.model.storage import Repository, Volume, VolumeFormat
from castalia.model.vm import Vm
from castalia.services.checks import blocked, host_up, ok, warning
from castalia.services.host_address import is_this_machine
from castalia.services.inventory import Inventory
from castalia.services.submission import Submission
from castalia.services.vm_limits import checked_volume_size
from castalia.storage.directories import check_apart, checked_directory


@dataclass(frozen=True, kw_only=True)
class StorageService:
    """Everything about repositories and volumes."""

    database: Database
    inventory: Inventory
    submission: Submission
    state_dir: Path

    # --- reading ---
    def repositories(self, page: PageRequest, *, principal: Principal) -> Page[Repository]:
        """A page of repositories."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return storage_store.page(connection, page)

    def repository(self, ref: str, *, principal: Principal) -> Repository:
        """The repository with that id, unique name, or `host/name`."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return storage_store.find(connection, ref)

    def volumes(
        self, page: PageRequest, *, repository: str = "", principal: Principal
    ) -> Page[Volume]:
        """A page of volumes, of one repository or of all."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            found = storage_store.find(connection, repository) if repository else None
            return storage_store.volume_page(
                connection, page, repository_id=found.id if found else ""
            )

    def volume(self, repository: str, name: str, *, principal: Principal) -> Volume:
        """One volume."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return storage_store.volume_in(connection, self._find(repository).id, name)

    def chain(self, repository: str, name: str, *, principal: Principal) -> list[Volume]:
        """The volume and, below it, what it is based on, down to the bottom."""
        volume = self.volume(repository, name, principal=principal)
        with self.database.read() as connection:
            return storage_store.chain(connection, volume)

    def behind(self, vm: Vm) -> dict[str, Volume]:
        """The known volumes behind a VM's disks, by target."""
        with self.database.read() as connection:
            found = {
                disk.target: storage_store.volume_at(
                    connection, host_id=vm.host_id, path=disk.source
                )
                for disk in vm.definition.disks
                if disk.source
            }
        return {target: volume for target, volume in found.items() if volume is not None}

    def refresh(self, ref: str, *, principal: Principal) -> Repository:
        """Has the host look at the repository's directory again."""
        principal.require(Role.OPERATOR)
        repository = self._find(ref)
        self.inventory.refresh_storage(repository.host_id, repository.name)
        return self._find(repository.id)

    # --- repositories ---
    def add_repository(self, host_ref: str, name: str, path: str, *, principal: Principal) -> Job:
        """Enqueues making a directory of a host a repository."""
        principal.require(Role.ADMIN)
        host = self._host(host_ref)
        plan = self._plan_add(host, name, path)
        request = self._request(
            "repository_add",
            plan.title,
            host,
            args={"repository": name, "path": path},
            target_name=name,
            principal=principal,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan_add_repository(
        self, host_ref: str, name: str, path: str, *, principal: Principal
    ) -> Plan:
        """What `add_repository` would do."""
        principal.require(Role.ADMIN)
        return self._plan_add(self._host(host_ref), name, path)

    def remove_repository(self, ref: str, *, principal: Principal) -> Job:
        """Enqueues that the host forgets the repository; its files stay."""
        principal.require(Role.ADMIN)
        repository = self._find(ref)
        host = self._host(repository.host_id)
        plan = self._plan_remove(host, repository)
        request = self._request(
            "repository_remove",
            plan.title,
            host,
            args={"repository": repository.name},
            target=f"repository:{repository.id}",
            target_name=repository.name,
            principal=principal,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan_remove_repository(self, ref: str, *, principal: Principal) -> Plan:
        """What `remove_repository` would do."""
        principal.require(Role.ADMIN)
        repository = self._find(ref)
        return self._plan_remove(self._host(repository.host_id), repository)

    def _plan_add(self, host: Host, name: str, path: str) -> Plan:
        checked_name(name)
        checked_directory(path)
        if is_this_machine(host.uri):
            check_apart(path, self.state_dir)
        return Plan(
            title=f"Add repository {name} on {host.name}",
            checks=(host_up(host), self._free_name(host, name)),
            steps=(f"make {path} a storage pool that starts with the host",),
        )

    def _free_name(self, host: Host, name: str) -> Check:
        with self.database.read() as connection:
            names = {repository.name for repository in storage_store.of_host(connection, host.id)}
        if name in names:
            return blocked(
                "name",
                f"{host.name} has a repository {name} already.",
                remedy="Choose another name.",
                code="repository.name-taken",
                field="name",
            )
        return ok("name", "The name is free.")

    def _plan_remove(self, host: Host, repository: Repository) -> Plan:
        with self.database.read() as connection:
            users = storage_store.users_of_repository(connection, repository.id)
        checks = [host_up(host)]
        if users:
            checks.append(
                blocked(
                    "use",
                    f"Repository {repository.name} is in use by {', '.join(users[:5])}.",
                    remedy="Delete these first.",
                    code="repository.in-use",
                )
            )
        return Plan(
            title=f"Remove repository {repository.name} of {host.name}",
            checks=tuple(checks),
            steps=("have the host forget it", "leave every file where it is"),
        )

    # --- volumes ---
    def create_volume(
        self,
        repository: str,
        name: str,
        *,
        size_bytes: int,
        format: str = "qcow2",
        principal: Principal,
    ) -> Job:
        """Enqueues making a blank volume."""
        principal.require(Role.OPERATOR)
        found = self._find(repository)
        plan = self._plan_create(found, name, size_bytes=size_bytes, format=format)
        args = {"volume": name, "size_bytes": size_bytes, "format": format}
        return self._submit_volume("volume_create", plan, found, args, principal)

    def plan_create_volume(
        self,
        repository: str,
        name: str,
        *,
        size_bytes: int,
        format: str = "qcow2",
        principal: Principal,
    ) -> Plan:
        """What `create_volume` would do."""
        principal.require(Role.OPERATOR)
        found = self._find(repository)
        return self._plan_create(found, name, size_bytes=size_bytes, format=format)

    def delete_volume(self, repository: str, name: str, *, principal: Principal) -> Job:
        """Enqueues deleting a volume that nobody uses."""
        principal.require(Role.OPERATOR)
        found = self._find(repository)
        plan = self._plan_delete(found, name)
        return self._submit_volume("volume_delete", plan, found, {"volume": name}, principal)

    def plan_delete_volume(self, repository: str, name: str, *, principal: Principal) -> Plan:
        """What `delete_volume` would do."""
        principal.require(Role.OPERATOR)
        return self._plan_delete(self._find(repository), name)

    def resize_volume(
        self, repository: str, name: str, size_bytes: int, *, principal: Principal
    ) -> Job:
        """Enqueues growing a volume that no running VM has open."""
        principal.require(Role.OPERATOR)
        found = self._find(repository)
        plan = self._plan_resize(found, name, size_bytes)
        args = {"volume": name, "size_bytes": size_bytes}
        return self._submit_volume("volume_resize", plan, found, args, principal)

    def plan_resize_volume(
        self, repository: str, name: str, size_bytes: int, *, principal: Principal
    ) -> Plan:
        """What `resize_volume` would do."""
        principal.require(Role.OPERATOR)
        return self._plan_resize(self._find(repository), name, size_bytes)

    def _plan_create(
        self, repository: Repository, name: str, *, size_bytes: int, format: str
    ) -> Plan:
        checked_name(name)
        checked_volume_size(size_bytes)
        if format not in (VolumeFormat.QCOW2, VolumeFormat.RAW):
            remedy = "Choose qcow2 or raw."
            raise InvalidRequest(
                f"Volumes are not made as {format!r}.", field="format", remedy=remedy
            )
        with self.database.read() as connection:
            taken = storage_store.volumes_named(connection, name, host_id=repository.host_id)
        checks = [host_up(self._host(repository.host_id))]
        if any(volume.repository_id == repository.id for volume in taken):
            checks.append(
                blocked(
                    "name",
                    f"Repository {repository.name} has a volume {name} already.",
                    remedy="Choose another name.",
                    code="volume.name-taken",
                    field="name",
                )
            )
        if size_bytes > repository.available_bytes:
            checks.append(
                warning(
                    "storage",
                    f"It may grow to {format_bytes(size_bytes)}; the repository has "
                    f"{format_bytes(repository.available_bytes)} free.",
                    code="storage.overcommitted",
                )
            )
        return Plan(
            title=f"Make volume {name} in {repository.name}",
            checks=tuple(checks),
            steps=(f"make a {format} volume of {format_bytes(size_bytes)}",),
        )

    def _plan_delete(self, repository: Repository, name: str) -> Plan:
        volume = self._volume(repository, name)
        size = format_bytes(volume.facts.allocation_bytes)
        checks = [
            host_up(self._host(repository.host_id)),
            self._unused(volume),
            warning("data", "What is on it is lost for good."),
        ]
        return Plan(
            title=f"Delete volume {name} in {repository.name}",
            checks=tuple(checks),
            steps=("delete the volume",),
            after={"freed": size},
        )

    def _plan_resize(self, repository: Repository, name: str, size_bytes: int) -> Plan:
        checked_volume_size(size_bytes)
        volume = self._volume(repository, name)
        if size_bytes <= volume.facts.capacity_bytes:
            now = format_bytes(volume.facts.capacity_bytes)
            raise InvalidRequest(
                f"{name} has {now} already; volumes can only grow.",
                field="size_bytes",
                remedy=f"Choose more than {now}.",
            )
        return Plan(
            title=f"Grow volume {name} in {repository.name}",
            checks=(host_up(self._host(repository.host_id)), self._unused(volume)),
            steps=(f"grow it to {format_bytes(size_bytes)}",),
        )

    def _unused(self, volume: Volume) -> Check:
        if not volume.used_by:
            return ok("use", "Nobody uses it.")
        return blocked(
            "use",
            f"{volume.facts.name} is in use by {', '.join(volume.used_by[:5])}.",
            remedy="Detach it there, or delete what is based on it, first.",
            code="volume.in-use",
        )

    # --- shared ---
    def _find(self, ref: str) -> Repository:
        with self.database.read() as connection:
            return storage_store.find(connection, ref)

    def _host(self, ref: str) -> Host:
        with self.database.read() as connection:
            return host_store.find(connection, ref)

    def _volume(self, repository: Repository, name: str) -> Volume:
        with self.database.read() as connection:
            return storage_store.volume_in(connection, repository.id, name)

    def _submit_volume(
        self,
        kind: str,
        plan: Plan,
        repository: Repository,
        args: Mapping[str, object],
        principal: Principal,
    ) -> Job:
        request = self._request(
            kind,
            plan.title,
            self._host(repository.host_id),
            args={"repository": repository.name, **args},
            target=f"repository:{repository.id}",
            target_name=f"{repository.name}/{args['volume']}",
            principal=principal,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def _request(
        self,
        kind: str,
        title: str,
        host: Host,
        *,
        args: Mapping[str, object],
        target: str = "",
        target_name: str,
        principal: Principal,
    ) -> JobRequest:
        name = f"{host.id}/{args['repository']}/{args.get('volume', '')}"
        return JobRequest(
            kind=kind,
            title=title,
            args={"host": host.id, "user": principal.user_name, **args},
            resources=(Resource(name=f"storage:{name}", label=target_name),),
            target=target,
            target_name=target_name,
            host_id=host.id,
            created_by=principal.user_name,
        )
