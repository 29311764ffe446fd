"""The library's record of a template."""

from castalia.db import templates
from castalia.errors import Conflict
from castalia.jobs.context import JobContext
from castalia.model.event import Change
from castalia.model.template import Template
from castalia.workflows.parts import Parts


def register(parts: Parts, template: Template) -> None:
    """Puts the template into the library; once more does no harm.

    Raises Conflict when another template has taken the name meanwhile.
    """
    with parts.database.write() as connection:
        holder = templates.named(connection, template.name)
        if holder is not None and holder.id != template.id:
            remedy = "Choose another name, or remove the other template first."
            raise Conflict(
                f"There is a template {template.name} already.",
                code="template.name-taken",
                field="name",
                remedy=remedy,
            )
        if holder is None:
            templates.insert(connection, template)
    parts.publish([_change(template.id, template.name, "created")])


def unregister(parts: Parts, template_id: str, name: str) -> None:
    """Takes the template out of the library; one that is not there is no error."""
    with parts.database.write() as connection:
        templates.delete(connection, template_id)
    parts.publish([_change(template_id, name, "deleted")])


def registered(context: JobContext, parts: Parts, template: Template) -> None:
    """Tells people."""
    parts.record(
        "template.created",
        f"Template {template.name} is ready.",
        subject=f"template:{template.id}",
        subject_name=template.name,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )


def _change(template_id: str, name: str, verb: str) -> Change:
    return Change(noun="template", id=template_id, verb=verb, data={"name": name})
