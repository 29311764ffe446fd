"""Removes a template from the library and its copies from the hosts."""

from functools import partial
from typing import Any

from castalia.db import templates
from castalia.errors import Conflict
from castalia.jobs.context import JobContext
from castalia.model.template import Template
from castalia.workflows import volumes
from castalia.workflows.parts import Parts
from castalia.workflows.template_copy import volume_name
from castalia.workflows.template_register import unregister


def template_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Removes the template `args["template"]`, which no VM is based on."""
    template_id = context.args["template"]
    # Written down, as a repeat finds neither the copies nor, in the end, the template.
    seen = context.step("look", lambda: _look(parts, template_id))
    for host_id, repository in seen["copies"]:
        context.step(
            f"delete copy on {host_id}/{repository}",
            partial(_delete_copy, parts, template_id, host_id, repository, seen["copy"]),
        )
    context.step("forget", lambda: unregister(parts, template_id, seen["name"]))
    context.step("delete disk", lambda: (parts.library / seen["volume"]).unlink(missing_ok=True))
    parts.record(
        "template.removed",
        f"Template {seen['name']} was removed.",
        subject=f"template:{template_id}",
        subject_name=seen["name"],
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"template": template_id, "name": seen["name"]}


def _look(parts: Parts, template_id: str) -> dict[str, Any]:
    with parts.database.read() as connection:
        template = templates.get(connection, template_id)
        _check_unused(template)
        copies = templates.copies(connection, template_id)
    return {
        "name": template.name,
        "volume": template.volume,
        "copy": volume_name(template),
        "copies": [[copy.host_id, copy.repository] for copy in copies],
    }


def _check_unused(template: Template) -> None:
    """A VM may have been made while this job waited."""
    if template.vm_count:
        raise Conflict(
            f"{template.vm_count} VMs are based on {template.name}.",
            code="template.in-use",
            remedy="Delete these first; their disks hold only the differences.",
        )


def _delete_copy(
    parts: Parts, template_id: str, host_id: str, repository: str, volume: str
) -> None:
    # The record goes first: if the job ends here, the next VM just brings the disk there again.
    with parts.database.write() as connection:
        templates.forget_copy(connection, template_id, host_id=host_id, repository=repository)
    volumes.delete(parts, host_id=host_id, repository=repository, name=volume)
