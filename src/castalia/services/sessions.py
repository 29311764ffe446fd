"""Browser sessions: log in, be known, log out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from castalia.db import credentials, users
from castalia.db.database import Database
from castalia.errors import TooManyAttempts, Unauthenticated
from castalia.model.access import Principal, Role, Session, User
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.services.audit import AuditService
from castalia.services.passwords import Passwords
from castalia.services.secret import hash_of, new_secret
from castalia.services.throttle import Throttle
from castalia.settings import AccessSettings

_NOTED_EACH = timedelta(minutes=1)
_LONGEST_AGENT = 200
_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class OpenedSession:
    """A session that has just begun. `secret` goes into the browser's cookie and nowhere else."""

    secret: str = field(repr=False)
    principal: Principal
    expires_at: datetime


class SessionService:
    """Everything about sessions."""

    def __init__(
        self,
        database: Database,
        *,
        settings: AccessSettings,
        audit: AuditService,
        passwords: Passwords,
        throttle: Throttle,
    ) -> None:
        self._database = database
        self._lifetime = timedelta(hours=settings.session_hours)
        self._audit = audit
        self._passwords = passwords
        self._throttle = throttle

    def login(
        self, user_name: str, password: str, *, source: str = "", agent: str = ""
    ) -> OpenedSession:
        """Begins a session.

        Raises Unauthenticated, in the same words and time whether the user, the password or the
        permission is missing, and TooManyAttempts after repeated failures.
        """
        asking = Principal(user_id="", user_name=user_name, role=Role.VIEWER, source=source)
        try:
            self._throttle.begin(user_name, source=source)
            user = self._identified(user_name, password)
        except (Unauthenticated, TooManyAttempts) as error:
            self._audit.record(
                asking, action="login", target=user_name, outcome="refused", detail=error.code
            )
            raise
        self._throttle.succeeded(user_name, source=source)
        return self._open(user, source=source, agent=agent)

    def principal(self, secret: str, *, source: str = "") -> Principal:
        """Who a session's secret stands for; using it keeps the session alive. Raises
        Unauthenticated."""
        with self._database.read() as connection:
            found = credentials.session_by_hash(connection, hash_of(secret))
        at = now()
        if found is None or found[0].expires_at <= at or found[1].disabled:
            remedy = "Log in again."
            raise Unauthenticated("The session has ended.", code="session-ended", remedy=remedy)
        session, holder = found
        if at - session.used_at > _NOTED_EACH:
            with self._database.write() as connection:
                credentials.extend_session(
                    connection, session.id, used_at=at, expires_at=at + self._lifetime
                )
        return Principal(
            user_id=holder.user_id,
            user_name=holder.user_name,
            role=holder.role,
            source=source,
            channel="web",
            session_id=session.id,
        )

    def list(self, *, principal: Principal) -> list[Session]:
        """The principal's own sessions, the last used first."""
        with self._database.read() as connection:
            return credentials.sessions_of(connection, principal.user_id)

    def logout(self, *, principal: Principal) -> None:
        """Ends the principal's session."""
        with self._audit.change(principal, action="logout", target=principal.user_name) as change:
            credentials.delete_session(change, principal.session_id)

    def logout_everywhere(self, *, principal: Principal) -> int:
        """Ends all of the principal's sessions, this one included; how many there were."""
        name = principal.user_name
        with self._audit.change(principal, action="logout_everywhere", target=name) as change:
            return credentials.delete_sessions_of(change, principal.user_id)

    def _identified(self, user_name: str, password: str) -> User:
        with self._database.read() as connection:
            found = users.password_hash(connection, user_name) if _sane(user_name) else None
        if not self._passwords.matches(password, found[1] if found else None):
            raise _refused()
        assert found is not None  # noqa: S101 -- nothing matches without a hash
        user, hashed = found
        if user.disabled:
            raise _refused()
        if self._passwords.outdated(hashed):
            fresh = self._passwords.hash(password)
            with self._database.write() as connection:
                users.replace_hash(connection, user.id, old=hashed, new=fresh)
        return user

    def _open(self, user: User, *, source: str, agent: str) -> OpenedSession:
        secret, at = new_secret(), now()
        session = Session(
            id=new_id(),
            user_id=user.id,
            source=source,
            agent="".join(c for c in agent[:_LONGEST_AGENT] if c.isprintable()),
            created_at=at,
            used_at=at,
            expires_at=at + self._lifetime,
        )
        principal = Principal(
            user_id=user.id,
            user_name=user.name,
            role=user.role,
            source=source,
            session_id=session.id,
        )
        with self._audit.change(principal, action="login", target=user.name) as connection:
            self._begin(connection, session, secret)
        return OpenedSession(secret=secret, principal=principal, expires_at=session.expires_at)

    def _begin(self, connection: Connection, session: Session, secret: str) -> None:
        credentials.delete_expired(connection, now=session.created_at)
        credentials.insert_session(connection, session, secret_hash=hash_of(secret))
        users.note_login(connection, session.user_id, at=session.created_at)


def _sane(user_name: str) -> bool:
    return user_name.isprintable() and len(user_name) <= _LONGEST_NAME


def _refused() -> Unauthenticated:
    remedy = "Check the spelling, or have an administrator set a new password."
    return Unauthenticated("The user name or the password is wrong.", remedy=remedy)
