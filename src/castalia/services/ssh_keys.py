"""Named public SSH keys that new VMs can be given."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from castalia.db import ssh_keys as store
from castalia.db.database import Database
from castalia.errors import InvalidRequest
from castalia.model.access import Principal, Role, SshKey
from castalia.model.clock import now
from castalia.model.names import checked_name
from castalia.services.audit import AuditService

_LONGEST = 8192


class SshKeyService:
    """Everything about SSH keys."""

    def __init__(self, database: Database, *, audit: AuditService) -> None:
        self._database = database
        self._audit = audit

    def list(self, *, principal: Principal) -> list[SshKey]:
        """All keys, by name."""
        principal.require(Role.VIEWER)
        with self._database.read() as connection:
            return store.every(connection)

    def add(self, name: str, public_key: str, *, principal: Principal) -> SshKey:
        """Adds a key. Raises InvalidRequest for what is no public key, and Conflict."""
        with self._audit.change(principal, action="ssh_key_add", target=name) as connection:
            principal.require(Role.OPERATOR)
            key = SshKey(
                name=checked_name(name),
                public_key=checked_public_key(public_key),
                created_at=now(),
            )
            store.insert(connection, key)
        return key

    def remove(self, name: str, *, principal: Principal) -> None:
        """Forgets a key; VMs that have it keep it. Raises NotFound."""
        with self._audit.change(principal, action="ssh_key_remove", target=name) as connection:
            principal.require(Role.OPERATOR)
            store.get(connection, name)
            store.delete(connection, name)


def checked_public_key(text: str) -> str:
    """Returns the key, on one line; raises InvalidRequest naming `public_key`."""
    line = text.strip()
    remedy = "Paste the line of a .pub file, for example ~/.ssh/id_ed25519.pub."
    if "PRIVATE KEY" in line:
        message = "This is a private key: it must stay with you."
        raise InvalidRequest(message, field="public_key", remedy=remedy)
    if not line.isprintable() or len(line) > _LONGEST:
        raise InvalidRequest("This is no public SSH key.", field="public_key", remedy=remedy)
    try:
        load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "This is no public SSH key."
        raise InvalidRequest(
            message, field="public_key", remedy=remedy, detail=str(error)
        ) from error
    return line
