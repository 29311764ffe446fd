"""Adds repositories to hosts and takes them away; no file is ever deleted."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.workflows.free_names import free_repository_name
from castalia.workflows.parts import Parts


def repository_add(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes the directory `args["path"]` a repository of the host `args["host"]`."""
    host_id, name = context.args["host"], context.args["repository"]
    context.step("look", lambda: free_repository_name(parts, host_id=host_id, name=name))
    context.step(
        "add",
        lambda: _add(parts, host_id, name, context.args["path"]),
        undo=lambda _: _forget(parts, host_id, name),
    )
    return {"repository": name}


def repository_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Has the host forget the repository."""
    host_id, name = context.args["host"], context.args["repository"]
    context.step("forget", lambda: _forget(parts, host_id, name))
    return {"repository": name}


def _add(parts: Parts, host_id: str, name: str, path: str) -> None:
    parts.links.storage(host_id).ensure_repository(name, path)
    parts.links.refresh_storage(host_id)


def _forget(parts: Parts, host_id: str, name: str) -> None:
    parts.links.storage(host_id).forget_repository(name)
    parts.links.refresh_storage(host_id)
