"""The errors of every storage driver, in one wording."""

from castalia.errors import Conflict, InvalidRequest, NotFound, StorageError


def name_taken(name: str) -> Conflict:
    """The error for a volume of that name that is another one."""
    remedy = "Choose another name, or delete that volume first."
    message = f"There is another volume {name!r} already."
    return Conflict(message, code="volume.name-taken", field="name", remedy=remedy)


def no_repository(name: str) -> NotFound:
    """The error for a repository that the host does not have."""
    message = f"The host has no repository {name!r}."
    remedy = "Choose one of those it has, or add it."
    return NotFound(message, code="repository.not-found", remedy=remedy)


def no_volume(repository: str, name: str) -> NotFound:
    """The error for a volume that a repository does not have."""
    message = f"Repository {repository!r} has no volume {name!r}."
    remedy = "If its file was just put there, have the repository looked at again."
    return NotFound(message, code="volume.not-found", remedy=remedy)


def used(name: str, vm: str) -> Conflict:
    """The error for a volume that a VM of the host uses."""
    remedy = "Detach it there, or delete the VM first."
    return Conflict(f"VM {vm} uses volume {name!r}.", code="volume.in-use", remedy=remedy)


def no_backing(path: str) -> StorageError:
    """The error for a linked volume without the volume that it is linked to."""
    remedy = "Bring the template to the host again."
    message = "The disk that the new one would be linked to is not on the host."
    return StorageError(message, code="volume.missing", remedy=remedy, detail=path)


def full(name: str) -> StorageError:
    """The error for a file system without room."""
    remedy = "Free some space there, or use a repository on another disk."
    message = f"There is no room left on the host's file system for {name!r}."
    return StorageError(message, code="storage.full", remedy=remedy)


def ended_early(done_bytes: int, size_bytes: int) -> InvalidRequest:
    """The error for an upload with fewer bytes than were announced."""
    remedy = "Send it again."
    message = f"Only {done_bytes} of {size_bytes} bytes arrived."
    return InvalidRequest(message, code="upload.incomplete", remedy=remedy)
