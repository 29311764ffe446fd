"""Looks on the host itself whether a name is free, before a job makes something of that name.

The manager's own records may be older than what somebody else has just made there. A job that made
sure, in a step before the one that makes it, may undo what bears the name: it can only be its own.
"""

from castalia.errors import Conflict
from castalia.workflows.parts import Parts


def free_volume_name(parts: Parts, *, host_id: str, repository: str, name: str) -> None:
    """Raises Conflict if the repository has such a volume."""
    found = parts.links.storage(host_id).repository(repository, refresh=True)
    if any(volume.name == name for volume in found.volumes):
        raise _taken("volume", f"Repository {repository} has a volume {name} already.")


def free_repository_name(parts: Parts, *, host_id: str, name: str) -> None:
    """Raises Conflict if the host has such a repository."""
    repositories = parts.links.storage(host_id).repositories()
    if any(repository.name == name for repository in repositories):
        raise _taken("repository", f"The host has a repository {name} already.")


def free_network_name(parts: Parts, *, host_id: str, name: str) -> None:
    """Raises Conflict if the host has such a network."""
    if any(network.name == name for network in parts.links.hypervisor(host_id).networks()):
        raise _taken("network", f"The host has a network {name} already.")


def _taken(noun: str, message: str) -> Conflict:
    return Conflict(message, code=f"{noun}.name-taken", field="name", remedy="Choose another name.")
