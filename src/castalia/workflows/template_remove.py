"""Removes a template from the library and its copies from the hosts."""

from functools import partial
from typing import Any

from castalia.db import templates
from castalia.jobs.context import JobContext
from castalia.workflows import volumes
from castalia.workflows.parts import Parts
from castalia.workflows.template_copy import volume_name
from castalia.workflows.template_register import unregister


def template_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Removes the template `args["template"]`, which no VM is based on."""
    with parts.database.read() as connection:
        template = templates.get(connection, context.args["template"])
        copies = templates.copies(connection, template.id)
    for copy in copies:
        context.step(
            f"delete copy on {copy.host_id}/{copy.repository}",
            partial(
                volumes.delete,
                parts,
                host_id=copy.host_id,
                repository=copy.repository,
                name=volume_name(template),
            ),
        )
    context.step("forget", lambda: unregister(parts, template.id, template.name))
    context.step("delete disk", lambda: (parts.library / template.volume).unlink(missing_ok=True))
    parts.record(
        "template.removed",
        f"Template {template.name} was removed.",
        subject=f"template:{template.id}",
        subject_name=template.name,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"template": template.id, "name": template.name}
