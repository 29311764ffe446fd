"""API tokens: `cst_…`, for programs. They may what their role says, never more than their user."""

from datetime import timedelta

from castalia.db import credentials
from castalia.db.database import Database
from castalia.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from castalia.model.access import ApiToken, Principal, Role
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.services.audit import AuditService
from castalia.services.secret import hash_of, new_secret

PREFIX = "cst_"
"""Makes a token recognisable to whoever finds it where it should not be."""
MAX_DAYS = 3650
_NOTED_EACH = timedelta(minutes=1)
_LONGEST_NAME = 63


class TokenService:
    """Everything about API tokens."""

    def __init__(self, database: Database, *, audit: AuditService) -> None:
        self._database = database
        self._audit = audit

    def create(
        self, name: str, role: Role, *, days: int | None = None, principal: Principal
    ) -> tuple[ApiToken, str]:
        """Makes a token of the principal's that ends after `days` (None or 0: never). Its secret is
        returned here and cannot be had again.

        Raises InvalidRequest, Conflict (the name is taken), and Forbidden for a role above the
        principal's.
        """
        principal.require(Role.VIEWER)
        at, secret = now(), new_secret(PREFIX)
        with self._audit.change(principal, action="token_create", target=name) as connection:
            _check_role(role, principal)
            token = ApiToken(
                id=new_id(),
                user_id=principal.user_id,
                name=_checked_name(name),
                role=role,
                created_at=at,
                expires_at=at + timedelta(days=_checked_days(days)) if days else None,
            )
            credentials.insert_token(connection, token, secret_hash=hash_of(secret))
        return token, secret

    def list(self, *, all_users: bool = False, principal: Principal) -> list[ApiToken]:
        """The principal's tokens; for administrators also those of all users."""
        principal.require(Role.ADMIN if all_users else Role.VIEWER)
        with self._database.read() as connection:
            return credentials.tokens(connection, user_id="" if all_users else principal.user_id)

    def revoke(self, id: str, *, principal: Principal) -> None:
        """Ends a token at once: one's own, or as administrator anybody's. Raises NotFound."""
        principal.require(Role.VIEWER)
        with self._audit.change(principal, action="token_revoke", target=id) as connection:
            own = "" if principal.role.allows(Role.ADMIN) else principal.user_id
            if all(token.id != id for token in credentials.tokens(connection, user_id=own)):
                remedy = "Look at the list of tokens."
                raise NotFound("There is no such token.", code="token.not-found", remedy=remedy)
            credentials.delete_token(connection, id)

    def principal(self, secret: str, *, source: str = "") -> Principal:
        """Who a token's secret stands for. Raises Unauthenticated."""
        found = None
        if secret.startswith(PREFIX):
            with self._database.read() as connection:
                found = credentials.token_by_hash(connection, hash_of(secret))
        at = now()
        if found is None or found[1].disabled or _expired(found[0]):
            remedy = "Make a new one: castalia token create"
            raise Unauthenticated("The API token is not valid.", code="token-bad", remedy=remedy)
        token, holder = found
        if token.last_used_at is None or at - token.last_used_at > _NOTED_EACH:
            with self._database.write() as connection:
                credentials.note_token_use(connection, token.id, at=at)
        return Principal(
            user_id=holder.user_id,
            user_name=holder.user_name,
            role=min(token.role, holder.role, key=list(Role).index),
            source=source,
            channel="api",
            token_id=token.id,
        )


def _expired(token: ApiToken) -> bool:
    return token.expires_at is not None and token.expires_at <= now()


def _check_role(role: Role, principal: Principal) -> None:
    if not principal.role.allows(role):
        message = f"A token of yours cannot have the role {role}; you have {principal.role}."
        raise Forbidden(message, field="role", remedy="Choose your own role or a lower one.")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        remedy = f"Use 1 to {_LONGEST_NAME} printable characters."
        raise InvalidRequest("The token needs a name.", field="name", remedy=remedy)
    return name


def _checked_days(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        remedy = f"Use 1 to {MAX_DAYS} days, or 0 for never."
        raise InvalidRequest("This is no usable lifetime.", field="days", remedy=remedy)
    return days
