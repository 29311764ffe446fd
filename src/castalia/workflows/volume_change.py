"""Makes, grows and deletes volumes."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.model.storage import VolumeFormat
from castalia.workflows import volumes
from castalia.workflows.free_names import free_volume_name
from castalia.workflows.parts import Parts


def volume_create(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes a blank volume."""
    host_id, repository, name = _place(context)

    def create() -> str:
        facts = parts.links.storage(host_id).create_volume(
            repository,
            name,
            size_bytes=context.args["size_bytes"],
            format=VolumeFormat(context.args["format"]),
        )
        return volumes.noted(parts, facts, host_id=host_id, repository=repository)

    context.step(
        "look",
        lambda: free_volume_name(parts, host_id=host_id, repository=repository, name=name),
    )
    context.step(
        "create",
        create,
        undo=lambda _: volumes.delete(parts, host_id=host_id, repository=repository, name=name),
    )
    return _finished(context, parts)


def volume_delete(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Deletes a volume that nobody uses."""
    host_id, repository, name = _place(context)
    context.step(
        "delete",
        lambda: volumes.delete(parts, host_id=host_id, repository=repository, name=name),
    )
    return _finished(context, parts)


def volume_resize(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Grows a volume."""
    host_id, repository, name = _place(context)

    def grow() -> str:
        storage = parts.links.storage(host_id)
        facts = storage.resize_volume(repository, name, context.args["size_bytes"])
        return volumes.noted(parts, facts, host_id=host_id, repository=repository)

    context.step("grow", grow)
    return _finished(context, parts)


def _place(context: JobContext) -> tuple[str, str, str]:
    return context.args["host"], context.args["repository"], context.args["volume"]


def _finished(context: JobContext, parts: Parts) -> dict[str, Any]:
    host_id, repository, name = _place(context)
    context.step("reread", lambda: parts.links.refresh_storage(host_id, repository))
    return {"repository": repository, "volume": name}
