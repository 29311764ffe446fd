"""Volumes as the manager knows them, what they are based on, and who uses them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select, tuple_

from castalia.db.filtering import Search, Searchable, matches
from castalia.db.paging import Listing, page_of
from castalia.db.tables import (
    repositories,
    template_copies,
    templates,
    vm_disks,
    vms,
    volumes,
)
from castalia.db.vm_list import host_clause
from castalia.errors import NotFound
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest
from castalia.model.storage import Volume, VolumeFacts, VolumeFormat

_JOINED = volumes.join(repositories, volumes.c.repository_id == repositories.c.id)
_DEEPEST = 32
"""Longer backing chains are not followed; QEMU gets slow far earlier."""

Place = tuple[str, str]
"""Where a file is: the host's id, and the path there."""


def volume_in(connection: Connection, repository_id: str, name: str) -> Volume:
    """The volume of that name in a repository; raises NotFound."""
    condition = (volumes.c.repository_id == repository_id) & (volumes.c.name == name)
    found = _where(connection, condition)
    if not found:
        remedy = "Look at the repository's volumes; have it refreshed if the file is new."
        message = f"There is no volume {name!r} in this repository."
        raise NotFound(message, code="volume.not-found", remedy=remedy)
    return found[0]


def volume_at(connection: Connection, *, host_id: str, path: str) -> Volume | None:
    """The volume with that path on a host, if it lies in a known repository."""
    found = _where(connection, (repositories.c.host_id == host_id) & (volumes.c.path == path))
    return found[0] if found else None


def volumes_named(connection: Connection, name: str, *, host_id: str) -> list[Volume]:
    """The volumes of that name in any repository of a host."""
    return _where(connection, (repositories.c.host_id == host_id) & (volumes.c.name == name))


def volumes_many(connection: Connection, ids: Sequence[str]) -> list[Volume]:
    """The volumes with these ids, in any order; unknown ids are left out."""
    return _where(connection, volumes.c.id.in_(ids))


def volume_page(
    connection: Connection, request: PageRequest, *, repository_id: str = ""
) -> Page[Volume]:
    """A page of volumes, of one repository or of all. Raises InvalidRequest naming `limit`, `sort`,
    `filter` or `cursor`."""
    scope = volumes.c.repository_id == repository_id if repository_id else None
    return page_of(connection, replace(_LISTING, scope=scope), request, volumes_many)


def chain(connection: Connection, volume: Volume) -> list[Volume]:
    """The volume and, below it, what it is based on, as far as it lies in known repositories."""
    found = [volume]
    while (path := found[-1].facts.backing_path) and len(found) < _DEEPEST:
        below = volume_at(connection, host_id=volume.host_id, path=path)
        if below is None or below in found:
            break
        found.append(below)
    return found


def users_of_repository(connection: Connection, repository_id: str) -> list[str]:
    """The names of the VMs and templates that need a volume of the repository, sorted."""
    found = _where(connection, volumes.c.repository_id == repository_id)
    return sorted({user for volume in found for user in volume.used_by})


def _where(connection: Connection, condition: ColumnElement[bool]) -> list[Volume]:
    rows = connection.execute(_selection().where(condition)).all()
    users = _users(connection, {(row.host_id, row.path) for row in rows})
    return [_from_row(row, users) for row in rows]


def _users(connection: Connection, places: Collection[Place]) -> Mapping[Place, set[str]]:
    """Who needs each of these files: directly, or through a volume that is based on it."""
    bases: dict[Place, Place] = {}
    seen = frontier = set(places)
    while frontier:
        bases |= dict(_based_on(connection, frontier))
        frontier = bases.keys() - seen
        seen = seen | frontier
    users: defaultdict[Place, set[str]] = defaultdict(set)
    for place, name in _direct_users(connection, seen):
        for needed in _down(bases, place):
            users[needed].add(name)
    return users


def _down(bases: Mapping[Place, Place], place: Place) -> Iterator[Place]:
    """The file and all that it is based on; files that claim to be based on themselves end it."""
    seen: set[Place] = set()
    here: Place | None = place
    while here is not None and here not in seen:
        seen.add(here)
        yield here
        here = bases.get(here)


def _based_on(connection: Connection, places: Collection[Place]) -> list[tuple[Place, Place]]:
    if not places:
        return []
    key = tuple_(repositories.c.host_id, volumes.c.backing_path)
    query = select(repositories.c.host_id, volumes.c.path, volumes.c.backing_path)
    rows = connection.execute(query.select_from(_JOINED).where(key.in_(list(places))))
    return [((row.host_id, row.path), (row.host_id, row.backing_path)) for row in rows]


def _direct_users(connection: Connection, places: Collection[Place]) -> list[tuple[Place, str]]:
    if not places:
        return []
    wanted = list(places)
    disks = vm_disks.join(vms, vm_disks.c.vm_id == vms.c.id)
    copied = template_copies.join(templates, template_copies.c.template_id == templates.c.id)
    queries: list[Select[Any]] = [
        select(vms.c.host_id, vm_disks.c.source.label("path"), vms.c.name)
        .select_from(disks)
        .where(tuple_(vms.c.host_id, vm_disks.c.source).in_(wanted)),
        select(template_copies.c.host_id, template_copies.c.path, templates.c.name)
        .select_from(copied)
        .where(tuple_(template_copies.c.host_id, template_copies.c.path).in_(wanted)),
        select(templates.c.host_id, templates.c.path, templates.c.name).where(
            tuple_(templates.c.host_id, templates.c.path).in_(wanted)
        ),
    ]
    rows = [row for query in queries for row in connection.execute(query)]
    return [((row.host_id, row.path), row.name) for row in rows]


def _selection() -> Select[Any]:
    extra = (repositories.c.name.label("repository_name"), repositories.c.host_id)
    return select(volumes, *extra).select_from(_JOINED)


def _from_row(row: Row[Any], users: Mapping[Place, set[str]]) -> Volume:
    facts = VolumeFacts(
        name=row.name,
        path=row.path,
        format=VolumeFormat(row.format),
        capacity_bytes=row.capacity_bytes,
        allocation_bytes=row.allocation_bytes,
        backing_path=row.backing_path,
    )
    return Volume(
        id=row.id,
        repository_id=row.repository_id,
        repository_name=row.repository_name,
        host_id=row.host_id,
        facts=facts,
        used_by=tuple(sorted(users.get((row.host_id, row.path), ()))),
        seen_at=row.seen_at,
    )


def _repository(name: str) -> ColumnElement[bool]:
    named = or_(matches(repositories.c.name, name), repositories.c.id == name)
    return volumes.c.repository_id.in_(select(repositories.c.id).where(named))


def _on_host(name: str) -> ColumnElement[bool]:
    there = host_clause(repositories.c.host_id, name)
    return volumes.c.repository_id.in_(select(repositories.c.id).where(there))


def _used(name: str) -> ColumnElement[bool]:
    """Whether a VM of that name uses the volume directly."""
    disks = vm_disks.join(vms, vm_disks.c.vm_id == vms.c.id)
    named = select(vm_disks.c.source).select_from(disks).where(matches(vms.c.name, name))
    return volumes.c.path.in_(named)


_REPOSITORY_NAME = select(repositories.c.name).where(repositories.c.id == volumes.c.repository_id)
_LISTING = Listing(
    source=volumes,
    id=volumes.c.id,
    sorts={
        "name": volumes.c.name,
        "format": volumes.c.format,
        "size": volumes.c.capacity_bytes,
        "used": volumes.c.allocation_bytes,
        "repository": _REPOSITORY_NAME.scalar_subquery(),
    },
    search=Searchable(
        fields={
            "name": Search(column=volumes.c.name),
            "format": Search(column=volumes.c.format, choices=tuple(VolumeFormat)),
            "repository": Search(clause=_repository),
            "host": Search(clause=_on_host),
            "vm": Search(clause=_used),
            "size": Search(column=volumes.c.capacity_bytes, kind=Kind.BYTES),
            "used": Search(column=volumes.c.allocation_bytes, kind=Kind.BYTES),
            "path": Search(column=volumes.c.path),
            "backing": Search(column=volumes.c.backing_path),
            "id": Search(column=volumes.c.id),
        },
        text=(volumes.c.name, volumes.c.path),
    ),
)
