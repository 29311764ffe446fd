"""Local users. Password hashes are read by whoever checks a password, and shown nowhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row, func, select

from castalia.db import revisions
from castalia.db.filtering import Search, Searchable
from castalia.db.paging import Listing, page_of
from castalia.db.tables import users
from castalia.errors import Conflict, NotFound
from castalia.model.access import Role, User
from castalia.model.filters import Kind
from castalia.model.page import Page, PageRequest


class UserChanges(TypedDict, total=False):
    """What `update` can change."""

    role: Role
    disabled: bool
    password_hash: str


def get(connection: Connection, id: str) -> User:
    """The user with that id; raises NotFound."""
    return _one(connection, users.c.id == id, ref=id)


def find(connection: Connection, ref: str) -> User:
    """The user with that id or name; raises NotFound."""
    by_id = many(connection, [ref])
    return by_id[0] if by_id else _one(connection, users.c.name == ref, ref=ref)


def many(connection: Connection, ids: Sequence[str]) -> list[User]:
    """The users with these ids, in any order; unknown ids are left out."""
    return [_from_row(row) for row in connection.execute(_query().where(users.c.id.in_(ids)))]


def every(connection: Connection) -> list[User]:
    """All users, by name."""
    return [_from_row(row) for row in connection.execute(_query().order_by(users.c.name))]


def page(connection: Connection, request: PageRequest) -> Page[User]:
    """A page of users. Raises InvalidRequest naming `limit`, `sort`, `filter` or `cursor`."""
    return page_of(connection, _LISTING, request, many)


def password_hash(connection: Connection, name: str) -> tuple[User, str] | None:
    """The user of that name with the password's hash; None if there is no such user."""
    row = connection.execute(select(users).where(users.c.name == name)).first()
    if row is None:
        return None
    fields = dict(row._mapping)
    hashed = str(fields.pop("password_hash"))
    return User(**fields | {"role": Role(row.role)}), hashed


def other_admins(connection: Connection, id: str) -> int:
    """How many users beside this one can administrate now; that stays so until the transaction
    ends."""
    able = (users.c.role == Role.ADMIN.value) & ~users.c.disabled
    admins = connection.scalars(select(users.c.id).where(able).with_for_update())
    return sum(admin != id for admin in admins)


def count(connection: Connection) -> int:
    """How many users there are."""
    return connection.scalar(select(func.count()).select_from(users)) or 0


def insert(connection: Connection, user: User, *, password_hash: str) -> None:
    """Adds a user. Raises Conflict with code `user.name-taken`."""
    if connection.scalar(select(users.c.id).where(users.c.name == user.name)):
        message = f"There is a user called {user.name!r} already."
        raise Conflict(message, code="user.name-taken", field="name", remedy="Take another name.")
    values: dict[str, Any] = {name: getattr(user, name) for name in User.__dataclass_fields__}
    own = {"role": user.role.value, "password_hash": password_hash}
    connection.execute(sa.insert(users).values(values | own))


def update(
    connection: Connection,
    id: str,
    *,
    expected_revision: int | None = None,
    **changes: Unpack[UserChanges],
) -> User:
    """Changes a user and returns it. Raises NotFound, and EditConflict when `expected_revision` is
    past."""
    revisions.change(
        connection,
        users,
        id,
        dict(changes),
        expected_revision=expected_revision,
        missing=_missing(id),
    )
    return get(connection, id)


def delete(connection: Connection, id: str) -> None:
    """Forgets a user with sessions, tokens and tickets; one that is gone is no error."""
    connection.execute(sa.delete(users).where(users.c.id == id))


def note_login(connection: Connection, id: str, *, at: datetime) -> None:
    """Remembers when the user logged in."""
    connection.execute(sa.update(users).where(users.c.id == id).values(last_login_at=at))


def replace_hash(connection: Connection, id: str, *, old: str, new: str) -> None:
    """Stores a stronger hash of the same password, unless the password was changed meanwhile."""
    same = (users.c.id == id) & (users.c.password_hash == old)
    connection.execute(sa.update(users).where(same).values(password_hash=new))


def _query() -> sa.Select[Any]:
    shown = [column for column in users.c if column.name != "password_hash"]
    return select(*shown)


def _one(connection: Connection, condition: ColumnElement[bool], *, ref: str) -> User:
    row = connection.execute(_query().where(condition)).first()
    if row is None:
        raise _missing(ref)
    return _from_row(row)


def _from_row(row: Row[Any]) -> User:
    return User(**dict(row._mapping) | {"role": Role(row.role)})


def _missing(ref: str) -> NotFound:
    remedy = "Look at the list of users."
    return NotFound(f"There is no user {ref!r}.", code="user.not-found", remedy=remedy)


_LISTING = Listing(
    source=users,
    id=users.c.id,
    sorts={"name": users.c.name, "role": users.c.role, "created_at": users.c.created_at},
    search=Searchable(
        fields={
            "name": Search(column=users.c.name),
            "role": Search(column=users.c.role, choices=tuple(Role)),
            "disabled": Search(column=users.c.disabled, kind=Kind.FLAG),
        },
        text=(users.c.name,),
    ),
)
