"""From a secret to who it stands for: what the HTTP edge asks for every request."""

from dataclasses import dataclass

from castalia.model.access import Principal
from castalia.services.sessions import SessionService
from castalia.services.tokens import TokenService


@dataclass(frozen=True, kw_only=True)
class Authentication:
    """Both kinds of secrets."""

    sessions: SessionService
    tokens: TokenService

    def from_token(self, secret: str, *, source: str) -> Principal:
        """The owner of an API token; raises Unauthenticated."""
        return self.tokens.principal(secret, source=source)

    def from_session(self, secret: str, *, source: str) -> Principal:
        """The user of a browser session; raises Unauthenticated."""
        return self.sessions.principal(secret, source=source)
