"""The access services on a SQLite database, with a password hash that costs little."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from castalia.db.database import Database
from castalia.model.access import Principal, Role
from castalia.model.clock import now as real_now
from castalia.model.page import PageRequest
from castalia.services.access import AccessService
from castalia.services.audit import AuditService
from castalia.services.passwords import Passwords
from castalia.services.sessions import SessionService
from castalia.services.throttle import Throttle
from castalia.services.tickets import TicketService
from castalia.services.tokens import TokenService
from castalia.settings import AccessSettings

SETTINGS = AccessSettings()
ADMIN = Principal(user_id="root", user_name="root", role=Role.ADMIN, source="10.0.0.1")
_CLOCKED = ("sessions", "tokens", "tickets", "throttle", "idempotency", "metrics")


@dataclass
class Clock:
    """The time of all services; it stands still until it is moved."""

    at: datetime = field(default_factory=real_now)

    def tick(self) -> datetime:
        """The time, a little later at each look, so that entries have an order."""
        self.at += timedelta(microseconds=1)
        return self.at

    def move(self, seconds: float) -> None:
        """Time passes."""
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The services' time, in the test's hand."""
    clock = Clock()
    for module in _CLOCKED:
        monkeypatch.setattr(f"castalia.services.{module}.now", lambda: clock.at)
    monkeypatch.setattr("castalia.services.audit.now", clock.tick)
    return clock


@dataclass(frozen=True, kw_only=True)
class Access:
    """Everything about access, wired together."""

    database: Database
    audit: AuditService
    users: AccessService
    sessions: SessionService
    tokens: TokenService
    tickets: TicketService

    def audited(self) -> list[tuple[str, str, str, str]]:
        """All entries as (user, action, target, outcome), the oldest first."""
        page = self.audit.list(PageRequest(sort="at"), principal=ADMIN)
        return [(e.user_name, e.action, e.target, e.outcome) for e in page.items]


@pytest.fixture
def access(sqlite_database: Database, clock: Clock) -> Access:
    """The services, with the users root (the one who asks) and alice, an operator."""
    audit = AuditService(sqlite_database)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    throttle = Throttle(sqlite_database, SETTINGS)
    users = AccessService(sqlite_database, audit=audit, passwords=passwords, throttle=throttle)
    users.create("root", "root's password", Role.ADMIN, principal=ADMIN)
    users.create("alice", "alice's password", Role.OPERATOR, principal=ADMIN)
    return Access(
        database=sqlite_database,
        audit=audit,
        users=users,
        sessions=SessionService(
            sqlite_database,
            settings=SETTINGS,
            audit=audit,
            passwords=passwords,
            throttle=throttle,
        ),
        tokens=TokenService(sqlite_database, audit=audit),
        tickets=TicketService(sqlite_database, settings=SETTINGS),
    )
