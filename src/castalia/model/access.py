"""Users, roles, tokens, and who is asking."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from castalia.errors import Forbidden


class Role(StrEnum):
    """What somebody may do; each role may all that the ones below it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def allows(self, needed: "Role") -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, kw_only=True)
class User:
    """A local user. The password's hash never leaves the db package."""

    id: str
    name: str
    role: Role
    disabled: bool = False
    created_at: datetime
    last_login_at: datetime | None = None
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A token for programs; only its hash is kept. Its role never exceeds its user's."""

    id: str
    user_id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """A browser's session; only its secret's hash is kept."""

    id: str
    user_id: str
    source: str = ""
    agent: str = ""
    created_at: datetime
    used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class SshKey:
    """A named public key that new VMs can be given."""

    name: str
    public_key: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who is asking, in which role, from where, through what."""

    user_id: str
    user_name: str
    role: Role
    source: str = ""
    channel: str = "web"
    session_id: str = ""
    token_id: str = ""

    def require(self, needed: Role) -> None:
        """Raises Forbidden unless the principal's role allows what `needed` may do."""
        if not self.role.allows(needed):
            message = f"This needs the role {needed}; you have {self.role}."
            remedy = f"Ask an administrator to do it, or to give you the role {needed}."
            raise Forbidden(message, remedy=remedy)


SYSTEM = Principal(user_id="system", user_name="system", role=Role.ADMIN, channel="internal")
"""The manager itself: timers and inventory."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Who changed what, from where, and how it ended."""

    id: str
    at: datetime
    user_name: str
    source: str
    channel: str
    action: str
    target: str
    outcome: str
    detail: str = ""
