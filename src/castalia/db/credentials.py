"""Sessions, API tokens and console tickets. Only hashes of their secrets are kept: who reads the
database can use none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, select

from castalia.db.tables import api_tokens, console_tickets, sessions, users
from castalia.errors import Conflict
from castalia.model.access import ApiToken, Role, Session


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A credential's user as it is now."""

    user_id: str
    user_name: str
    role: Role
    disabled: bool


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A console ticket that has just been used up."""

    vm_id: str
    kind: str
    user_id: str
    role: Role
    source: str
    session_id: str
    token_id: str
    expires_at: datetime


def insert_session(connection: Connection, session: Session, *, secret_hash: str) -> None:
    """Keeps a session."""
    values: dict[str, Any] = {name: getattr(session, name) for name in Session.__dataclass_fields__}
    connection.execute(sa.insert(sessions).values(values | {"secret_hash": secret_hash}))


def session_by_hash(connection: Connection, secret_hash: str) -> tuple[Session, Holder] | None:
    """The session with that secret, and its user."""
    joined = sessions.join(users, sessions.c.user_id == users.c.id)
    query = select(sessions, users.c.name, users.c.role, users.c.disabled).select_from(joined)
    row = connection.execute(query.where(sessions.c.secret_hash == secret_hash)).first()
    return None if row is None else (_session(row), _holder(row, Role(row.role)))


def sessions_of(connection: Connection, user_id: str) -> list[Session]:
    """A user's sessions, the last used first."""
    query = select(sessions).where(sessions.c.user_id == user_id)
    return [_session(r) for r in connection.execute(query.order_by(sessions.c.used_at.desc()))]


def extend_session(
    connection: Connection, id: str, *, used_at: datetime, expires_at: datetime
) -> None:
    """Notes that a session was used and how long it lasts now."""
    values = {"used_at": used_at, "expires_at": expires_at}
    connection.execute(sa.update(sessions).where(sessions.c.id == id).values(values))


def delete_session(connection: Connection, id: str) -> None:
    """Ends a session."""
    connection.execute(sa.delete(sessions).where(sessions.c.id == id))


def delete_sessions_of(connection: Connection, user_id: str, *, but: str = "") -> int:
    """Ends all sessions of a user, except the one with the id `but`; how many."""
    condition = (sessions.c.user_id == user_id) & (sessions.c.id != but)
    return connection.execute(sa.delete(sessions).where(condition)).rowcount


def delete_expired(connection: Connection, *, now: datetime) -> None:
    """Forgets sessions and tickets that have ended."""
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at < now))
    connection.execute(sa.delete(console_tickets).where(console_tickets.c.expires_at < now))


def insert_token(connection: Connection, token: ApiToken, *, secret_hash: str) -> None:
    """Keeps a token. Raises Conflict with code `token.name-taken`."""
    same = (api_tokens.c.user_id == token.user_id) & (api_tokens.c.name == token.name)
    if connection.scalar(select(api_tokens.c.id).where(same)):
        message = f"You have a token called {token.name!r} already."
        remedy = "Take another name, or revoke the old one first."
        raise Conflict(message, code="token.name-taken", field="name", remedy=remedy)
    values: dict[str, Any] = {name: getattr(token, name) for name in ApiToken.__dataclass_fields__}
    own = {"role": token.role.value, "secret_hash": secret_hash}
    connection.execute(sa.insert(api_tokens).values(values | own))


def token_by_hash(connection: Connection, secret_hash: str) -> tuple[ApiToken, Holder] | None:
    """The token with that secret, and its user."""
    joined = api_tokens.join(users, api_tokens.c.user_id == users.c.id)
    owner = (users.c.name.label("user_name"), users.c.role.label("user_role"), users.c.disabled)
    query = select(api_tokens, *owner).select_from(joined)
    row = connection.execute(query.where(api_tokens.c.secret_hash == secret_hash)).first()
    if row is None:
        return None
    holder = Holder(
        user_id=row.user_id,
        user_name=row.user_name,
        role=Role(row.user_role),
        disabled=row.disabled,
    )
    return _token(row), holder


def tokens(connection: Connection, *, user_id: str = "") -> list[ApiToken]:
    """The tokens of a user, or of all users, by name."""
    query = select(api_tokens).order_by(api_tokens.c.name, api_tokens.c.id)
    if user_id:
        query = query.where(api_tokens.c.user_id == user_id)
    return [_token(row) for row in connection.execute(query)]


def delete_token(connection: Connection, id: str) -> None:
    """Forgets a token; one that is gone is no error."""
    connection.execute(sa.delete(api_tokens).where(api_tokens.c.id == id))


def note_token_use(connection: Connection, id: str, *, at: datetime) -> None:
    """Remembers when a token was used."""
    connection.execute(sa.update(api_tokens).where(api_tokens.c.id == id).values(last_used_at=at))


def insert_ticket(connection: Connection, ticket: Ticket, *, secret_hash: str) -> None:
    """Keeps a console ticket."""
    values: dict[str, Any] = {name: getattr(ticket, name) for name in Ticket.__dataclass_fields__}
    own = {"role": ticket.role.value, "secret_hash": secret_hash}
    connection.execute(sa.insert(console_tickets).values(values | own))


def take_ticket(connection: Connection, secret_hash: str) -> tuple[Ticket, Holder] | None:
    """The ticket with that secret, and its user; nobody gets it a second time."""
    statement = sa.delete(console_tickets).where(console_tickets.c.secret_hash == secret_hash)
    row = connection.execute(statement.returning(console_tickets)).first()
    if row is None:
        return None
    owner = connection.execute(select(users).where(users.c.id == row.user_id)).one()
    fields: dict[str, Any] = {name: getattr(row, name) for name in Ticket.__dataclass_fields__}
    holder = Holder(
        user_id=owner.id, user_name=owner.name, role=Role(owner.role), disabled=owner.disabled
    )
    return Ticket(**fields | {"role": Role(row.role)}), holder


def holder_still(
    connection: Connection, user_id: str, *, session_id: str, token_id: str, at: datetime
) -> Holder | None:
    """The user, unless he, or the session or token (if one is named) that he came with, is gone."""
    owner = connection.execute(select(users).where(users.c.id == user_id)).first()
    for table, id in ((sessions, session_id), (api_tokens, token_id)):
        alive = (table.c.expires_at.is_(None)) | (table.c.expires_at > at)
        if id and not connection.scalar(select(table.c.id).where(table.c.id == id, alive)):
            return None
    if owner is None:
        return None
    return Holder(
        user_id=owner.id, user_name=owner.name, role=Role(owner.role), disabled=owner.disabled
    )


def _fields(row: Row[Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _session(row: Row[Any]) -> Session:
    return Session(**_fields(row, list(Session.__dataclass_fields__)))


def _token(row: Row[Any]) -> ApiToken:
    fields = _fields(row, list(ApiToken.__dataclass_fields__))
    return ApiToken(**fields | {"role": Role(row.role)})


def _holder(row: Row[Any], role: Role) -> Holder:
    return Holder(user_id=row.user_id, user_name=row.name, role=role, disabled=row.disabled)
