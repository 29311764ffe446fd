"""Templates, and where the hosts have copies of their disks."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Select, func, or_, select

from castalia.db import revisions
from castalia.db.filtering import Search, Searchable
from castalia.db.paging import Listing, page_of
from castalia.db.tables import template_copies, templates, vms
from castalia.errors import Conflict, NotFound
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest
from castalia.model.template import Template, TemplateCopy, TemplateState

_VM_COUNT = (
    select(func.count())
    .select_from(vms)
    .where(or_(vms.c.template == templates.c.name, vms.c.template == templates.c.id))
    .scalar_subquery()
)


class TemplateChanges(TypedDict, total=False):
    """What `update` can change: what is said of a template, and how far its making has come."""

    name: str
    title: str
    os: str
    state: TemplateState
    default_size: str
    default_user: str
    min_memory_mib: int
    volume: str
    disk_bytes: int
    size_bytes: int
    sha256: str
    notes: dict[str, str]


def get(connection: Connection, id: str) -> Template:
    """The template with that id; raises NotFound."""
    row = connection.execute(_selection().where(templates.c.id == id)).first()
    if row is None:
        raise _missing(id)
    return _from_row(row)


def named(connection: Connection, name: str) -> Template | None:
    """The template of that name, if there is one."""
    row = connection.execute(_selection().where(templates.c.name == name)).first()
    return None if row is None else _from_row(row)


def find(connection: Connection, ref: str) -> Template:
    """The template with that id or name; raises NotFound."""
    rows = many(connection, [ref])
    found = rows[0] if rows else named(connection, ref)
    if found is None:
        raise _missing(ref)
    return found


def many(connection: Connection, ids: Sequence[str]) -> list[Template]:
    """The templates with these ids, in any order; unknown ids are left out."""
    return [_from_row(r) for r in connection.execute(_selection().where(templates.c.id.in_(ids)))]


def page(connection: Connection, request: PageRequest) -> Page[Template]:
    """A page of templates. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def count(connection: Connection) -> int:
    """How many templates there are."""
    return connection.scalar(select(func.count()).select_from(templates)) or 0


def insert(connection: Connection, template: Template) -> None:
    """Adds a template. Raises Conflict with code `template.name-taken`."""
    _check_free(connection, template.name, but=template.id)
    stored = [field.name for field in fields(template) if field.name != "vm_count"]
    values: dict[str, Any] = {name: getattr(template, name) for name in stored}
    connection.execute(sa.insert(templates).values(values | {"state": template.state.value}))


def update(
    connection: Connection,
    id: str,
    *,
    expected_revision: int | None = None,
    **changes: Unpack[TemplateChanges],
) -> Template:
    """Changes a template and returns it. A new name is passed on to the VMs that were made of it.

    Raises NotFound, Conflict (`template.name-taken`), and EditConflict when `expected_revision` is
    past.
    """
    before = get(connection, id)
    if name := changes.get("name"):
        _check_free(connection, name, but=id)
    revisions.change(
        connection,
        templates,
        id,
        dict(changes),
        expected_revision=expected_revision,
        missing=_missing(id),
    )
    if name and name != before.name:
        made = sa.update(vms).where(vms.c.template == before.name)
        connection.execute(made.values(template=name))
    return get(connection, id)


def delete(connection: Connection, id: str) -> None:
    """Forgets a template and its copies; one that is gone is no error."""
    connection.execute(sa.delete(templates).where(templates.c.id == id))


def copies(connection: Connection, template_id: str) -> list[TemplateCopy]:
    """Where the hosts have the template's disk."""
    condition = template_copies.c.template_id == template_id
    rows = connection.execute(select(template_copies).where(condition))
    return [TemplateCopy(**row._mapping) for row in rows]


def copy_path(
    connection: Connection, template_id: str, *, host_id: str, repository: str
) -> str | None:
    """The path of the template's disk in a repository of a host, if it is there."""
    key = (
        (template_copies.c.template_id == template_id)
        & (template_copies.c.host_id == host_id)
        & (template_copies.c.repository == repository)
    )
    return connection.scalar(select(template_copies.c.path).where(key))


def record_copy(
    connection: Connection, template_id: str, *, host_id: str, repository: str, path: str
) -> None:
    """Notes that a host has the template's disk now; once more does no harm."""
    forget_copy(connection, template_id, host_id=host_id, repository=repository)
    values = {"template_id": template_id, "host_id": host_id, "repository": repository}
    connection.execute(sa.insert(template_copies).values(values | {"path": path}))


def forget_copy(connection: Connection, template_id: str, *, host_id: str, repository: str) -> None:
    """Notes that a host has the template's disk no more."""
    key = (
        (template_copies.c.template_id == template_id)
        & (template_copies.c.host_id == host_id)
        & (template_copies.c.repository == repository)
    )
    connection.execute(sa.delete(template_copies).where(key))


def _selection() -> Select[Any]:
    return select(templates, _VM_COUNT.label("vm_count"))


def _from_row(row: Row[Any]) -> Template:
    return Template(**dict(row._mapping) | {"state": TemplateState(row.state)})


def _check_free(connection: Connection, name: str, *, but: str) -> None:
    holder = named(connection, name)
    if holder is not None and holder.id != but:
        message = f"There is a template called {name!r} already."
        remedy = "Take another name, or remove the other template first."
        raise Conflict(message, code="template.name-taken", field="name", remedy=remedy)


def _missing(ref: str) -> NotFound:
    remedy = "Look at the list of templates; it may have been removed or renamed."
    return NotFound(f"There is no template {ref!r}.", code="template.not-found", remedy=remedy)


_LISTING = Listing(
    source=templates,
    id=templates.c.id,
    sorts={
        "name": templates.c.name,
        "os": templates.c.os,
        "state": templates.c.state,
        "size": templates.c.size_bytes,
        "vms": _VM_COUNT,
        "created": templates.c.created_at,
        "created_at": templates.c.created_at,
    },
    search=Searchable(
        fields={
            "name": Search(column=templates.c.name),
            "os": Search(column=templates.c.os),
            "arch": Search(column=templates.c.arch),
            "state": Search(column=templates.c.state, choices=tuple(TemplateState)),
            "source": Search(column=templates.c.source),
            "size": Search(column=templates.c.size_bytes, kind=Kind.BYTES),
            "vms": Search(column=_VM_COUNT, kind=Kind.NUMBER),
            "created": Search(column=templates.c.created_at, kind=Kind.TIME),
            "id": Search(column=templates.c.id),
        },
        text=(templates.c.name, templates.c.title, templates.c.os),
    ),
)
