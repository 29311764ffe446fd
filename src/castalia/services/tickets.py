"""Console tickets: a pass for one WebSocket to one console, good once and for seconds.

Browsers cannot send a token with a WebSocket, and an address with a lasting secret in it would end
up in logs.
"""

from dataclasses import dataclass
from datetime import timedelta

from castalia.db import credentials
from castalia.db.database import Database
from castalia.errors import Unauthenticated
from castalia.model.access import Principal, Role
from castalia.model.clock import now
from castalia.services.secret import hash_of, new_secret
from castalia.settings import AccessSettings


@dataclass(frozen=True, kw_only=True)
class RedeemedTicket:
    """What a ticket was for, and whose it was."""

    vm_id: str
    kind: str
    principal: Principal


class TicketService:
    """Issues and redeems tickets."""

    def __init__(self, database: Database, *, settings: AccessSettings) -> None:
        self._database = database
        self._lifetime = timedelta(seconds=settings.ticket_s)

    def issue(self, vm_id: str, kind: str, *, principal: Principal) -> str:
        """A ticket for a VM's console of that kind. Raises Forbidden."""
        principal.require(Role.OPERATOR)
        secret, at = new_secret(), now()
        ticket = credentials.Ticket(
            vm_id=vm_id,
            kind=kind,
            user_id=principal.user_id,
            role=principal.role,
            source=principal.source,
            session_id=principal.session_id,
            token_id=principal.token_id,
            expires_at=at + self._lifetime,
        )
        with self._database.write() as connection:
            credentials.delete_expired(connection, now=at)
            credentials.insert_ticket(connection, ticket, secret_hash=hash_of(secret))
        return secret

    def redeem(self, secret: str, kind: str) -> RedeemedTicket:
        """Uses a ticket up, whatever comes of it.

        Raises Unauthenticated if it is unknown, used, too old or for another kind, or if its user,
        with the session or token that it was made with, may no longer use consoles.
        """
        with self._database.write() as connection:
            found = credentials.take_ticket(connection, hash_of(secret))
        if found is None or found[0].kind != kind or found[0].expires_at <= now():
            raise _refused()
        ticket, holder = found
        principal = Principal(
            user_id=holder.user_id,
            user_name=holder.user_name,
            role=ticket.role,
            source=ticket.source,
            channel="console",
            session_id=ticket.session_id,
            token_id=ticket.token_id,
        )
        self.check(principal)
        return RedeemedTicket(vm_id=ticket.vm_id, kind=kind, principal=principal)

    def check(self, principal: Principal) -> None:
        """Whether a console may stay open; raises Unauthenticated once its user, or what he came
        with, may no longer use it."""
        with self._database.read() as connection:
            holder = credentials.holder_still(
                connection,
                principal.user_id,
                session_id=principal.session_id,
                token_id=principal.token_id,
                at=now(),
            )
        if holder is None or holder.disabled:
            raise _refused()
        role = min(principal.role, holder.role, key=list(Role).index)
        if not role.allows(Role.OPERATOR):
            raise _refused()


def _refused() -> Unauthenticated:
    remedy = "Open the console again."
    return Unauthenticated("The console ticket is not valid.", code="ticket-bad", remedy=remedy)
