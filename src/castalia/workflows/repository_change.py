"""Adds repositories to hosts and takes them away; no file is ever deleted."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.workflows.parts import Parts


def repository_add(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes the directory `args["path"]` a repository of the host `args["host"]`."""
    args = context.args
    storage = parts.links.storage(args["host"])
    context.step(
        "add",
        lambda: storage.ensure_repository(args["repository"], args["path"]).path,
        undo=lambda _: storage.forget_repository(args["repository"]),
    )
    context.step("reread", lambda: parts.links.refresh_storage(args["host"]))
    return {"repository": args["repository"]}


def repository_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Has the host forget the repository."""
    args = context.args
    storage = parts.links.storage(args["host"])
    context.step("forget", lambda: storage.forget_repository(args["repository"]))
    context.step("reread", lambda: parts.links.refresh_storage(args["host"]))
    return {"repository": args["repository"]}
