"""Volumes made and deleted by workflows, noted in the database at once."""

from castalia.db.volume_sync import forget_volume, note_volume
from castalia.model.storage import VolumeFacts
from castalia.workflows.parts import Parts


def noted(parts: Parts, facts: VolumeFacts, *, host_id: str, repository: str) -> str:
    """Notes a volume that was just made, and returns its path on the host."""
    with parts.database.write() as connection:
        note_volume(connection, facts, host_id=host_id, repository=repository)
    return facts.path


def delete(parts: Parts, *, host_id: str, repository: str, name: str) -> None:
    """Deletes a volume and its note; one that is gone is no error."""
    parts.links.storage(host_id).delete_volume(repository, name)
    with parts.database.write() as connection:
        forget_volume(connection, name, host_id=host_id, repository=repository)
