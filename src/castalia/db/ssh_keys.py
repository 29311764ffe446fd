"""Named public SSH keys that new VMs can be given."""

import sqlalchemy as sa
from sqlalchemy import Connection, select

from castalia.db.tables import ssh_keys
from castalia.errors import Conflict, NotFound
from castalia.model.access import SshKey


def every(connection: Connection) -> list[SshKey]:
    """All keys, by name."""
    rows = connection.execute(select(ssh_keys).order_by(ssh_keys.c.name))
    return [SshKey(**row._mapping) for row in rows]


def get(connection: Connection, name: str) -> SshKey:
    """The key of that name; raises NotFound."""
    row = connection.execute(select(ssh_keys).where(ssh_keys.c.name == name)).first()
    if row is None:
        remedy = "Look at the list of SSH keys."
        raise NotFound(f"There is no SSH key {name!r}.", code="ssh-key.not-found", remedy=remedy)
    return SshKey(**row._mapping)


def insert(connection: Connection, key: SshKey) -> None:
    """Adds a key. Raises Conflict with code `ssh-key.name-taken`."""
    if connection.scalar(select(ssh_keys.c.name).where(ssh_keys.c.name == key.name)):
        message = f"There is an SSH key called {key.name!r} already."
        remedy = "Take another name, or remove the old one first."
        raise Conflict(message, code="ssh-key.name-taken", field="name", remedy=remedy)
    values = {"name": key.name, "public_key": key.public_key, "created_at": key.created_at}
    connection.execute(sa.insert(ssh_keys).values(values))


def delete(connection: Connection, name: str) -> None:
    """Forgets a key; one that is gone is no error."""
    connection.execute(sa.delete(ssh_keys).where(ssh_keys.c.name == name))
