"""Makes, grows and deletes volumes."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.model.storage import VolumeFormat
from castalia.workflows.parts import Parts


def volume_create(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes a blank volume."""
    args = context.args
    storage = parts.links.storage(args["host"])
    context.step(
        "create",
        lambda: (
            storage.create_volume(
                args["repository"],
                args["volume"],
                size_bytes=args["size_bytes"],
                format=VolumeFormat(args["format"]),
            ).path
        ),
        undo=lambda _: storage.delete_volume(args["repository"], args["volume"]),
    )
    return _finished(context, parts)


def volume_delete(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Deletes a volume that nobody uses."""
    args = context.args
    storage = parts.links.storage(args["host"])
    context.step("delete", lambda: storage.delete_volume(args["repository"], args["volume"]))
    return _finished(context, parts)


def volume_resize(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Grows a volume."""
    args = context.args
    storage = parts.links.storage(args["host"])
    context.step(
        "grow",
        lambda: storage.resize_volume(args["repository"], args["volume"], args["size_bytes"]).path,
    )
    return _finished(context, parts)


def _finished(context: JobContext, parts: Parts) -> dict[str, Any]:
    args = context.args
    context.step("reread", lambda: parts.links.refresh_storage(args["host"], args["repository"]))
    return {"repository": args["repository"], "volume": args["volume"]}
