"""Local users. There is always one administrator who can log in."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from castalia.db import credentials, users
from castalia.db.database import Database
from castalia.errors import Conflict, Forbidden, Unauthenticated
from castalia.model.access import SYSTEM, Principal, Role, User
from castalia.model.clock import now
from castalia.model.ids import new_id
from castalia.model.names import checked_name
from castalia.model.page import Page, PageRequest
from castalia.services.audit import AuditService
from castalia.services.passwords import Passwords, checked_password, random_password
from castalia.services.throttle import Throttle


@dataclass(frozen=True, kw_only=True)
class FirstAdmin:
    """The administrator that a new installation begins with; the password cannot be had again."""

    user: User
    password: str = field(repr=False)


class AccessService:
    """Everything about users."""

    def __init__(
        self,
        database: Database,
        *,
        audit: AuditService,
        passwords: Passwords,
        throttle: Throttle,
    ) -> None:
        self._database = database
        self._audit = audit
        self._passwords = passwords
        self._throttle = throttle

    def list(self, page: PageRequest, *, principal: Principal) -> Page[User]:
        """A page of users; for administrators."""
        principal.require(Role.ADMIN)
        with self._database.read() as connection:
            return users.page(connection, page)

    def get(self, ref: str, *, principal: Principal) -> User:
        """The user with that id or name: oneself, or as administrator anybody."""
        if ref not in (principal.user_id, principal.user_name):
            principal.require(Role.ADMIN)
        with self._database.read() as connection:
            return users.find(connection, ref)

    def create(self, name: str, password: str, role: Role, *, principal: Principal) -> User:
        """Adds a user. Raises InvalidRequest, or Conflict when the name is taken."""
        principal.require(Role.ADMIN)
        checked_name(name)
        hashed = self._passwords.hash(checked_password(password, user_name=name))
        with self._audit.change(principal, action="user_create", target=name) as connection:
            return _add(connection, name, role, hashed)

    def ensure_first_admin(self, name: str = "admin") -> FirstAdmin | None:
        """Adds an administrator with a random password if there is no user at all; else None."""
        with self._database.read() as connection:
            if users.count(connection):
                return None
        password = random_password()
        hashed = self._passwords.hash(password)
        with self._audit.change(SYSTEM, action="user_create", target=name) as connection:
            if users.count(connection):
                return None
            user = _add(connection, name, Role.ADMIN, hashed)
        return FirstAdmin(user=user, password=password)

    def edit(
        self,
        ref: str,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        expected_revision: int | None = None,
        principal: Principal,
    ) -> User:
        """Changes what is given; a new password or being disabled ends the user's sessions.

        Raises InvalidRequest, EditConflict, and Conflict (`user.last-admin`) if nobody could
        administrate any more.
        """
        principal.require(Role.ADMIN)
        changes = users.UserChanges()
        if password is not None:
            hashed = self._passwords.hash(checked_password(password, user_name=ref))
            changes["password_hash"] = hashed
        if role is not None:
            changes["role"] = role
        if disabled is not None:
            changes["disabled"] = disabled
        with self._audit.change(principal, action="user_edit", target=ref) as connection:
            user = users.find(connection, ref)
            if disabled or role not in (None, Role.ADMIN):
                _keep_an_admin(connection, user)
            if disabled or password is not None:
                credentials.delete_sessions_of(connection, user.id, but=principal.session_id)
            return users.update(connection, user.id, expected_revision=expected_revision, **changes)

    def set_password(self, ref: str, password: str, *, principal: Principal) -> User:
        """Gives a user a new password and ends the user's sessions; for administrators."""
        return self.edit(ref, password=password, principal=principal)

    def change_own_password(self, *, current: str, new: str, principal: Principal) -> None:
        """Changes one's own password; one's other sessions end.

        Raises Unauthenticated if `current` is wrong, TooManyAttempts if it often was, and Forbidden
        to API tokens: whoever finds one must not be able to take the user over.
        """
        if not principal.session_id:
            remedy = "Log in with a browser."
            raise Forbidden("API tokens cannot change passwords.", remedy=remedy)
        checked_password(new, user_name=principal.user_name, field="new")
        name = principal.user_name
        self._throttle.begin(name, source=principal.source)
        with self._database.read() as connection:
            found = users.password_hash(connection, name)
        right = self._passwords.matches(current, found[1] if found else None)
        hashed = self._passwords.hash(new)
        with self._audit.change(principal, action="password_change", target=name) as connection:
            if not right:
                remedy = "Type the password that you logged in with."
                raise Unauthenticated("The current password is wrong.", remedy=remedy)
            users.update(connection, principal.user_id, password_hash=hashed)
            credentials.delete_sessions_of(connection, principal.user_id, but=principal.session_id)
        self._throttle.succeeded(name, source=principal.source)

    def remove(self, ref: str, *, principal: Principal) -> None:
        """Removes a user with all sessions and tokens. Raises NotFound, and Conflict
        (`user.last-admin`)."""
        principal.require(Role.ADMIN)
        with self._audit.change(principal, action="user_remove", target=ref) as connection:
            user = users.find(connection, ref)
            _keep_an_admin(connection, user)
            users.delete(connection, user.id)


def _add(connection: Connection, name: str, role: Role, hashed: str) -> User:
    user = User(id=new_id(), name=name, role=role, created_at=now())
    users.insert(connection, user, password_hash=hashed)
    return user


def _keep_an_admin(connection: Connection, user: User) -> None:
    if user.role is Role.ADMIN and users.other_admins(connection, user.id) == 0:
        message = f"{user.name} is the last administrator who can log in."
        remedy = "Make somebody else administrator first."
        raise Conflict(message, code="user.last-admin", remedy=remedy)
