"""A template's disk on a host: brought there once, shared by all linked clones."""

from castalia.db import templates
from castalia.errors import NotFound, StorageError
from castalia.jobs.context import JobContext
from castalia.model.storage import VolumeFormat
from castalia.model.template import Template
from castalia.workflows import volumes
from castalia.workflows.parts import Parts


def volume_name(template: Template) -> str:
    """What the template's disk is called in a repository; a rebuilt template never meets the old
    one's clones."""
    return f"template-{template.name}-{template.id[-8:]}.qcow2"


def ensure_copy(
    context: JobContext, parts: Parts, *, template_id: str, host_id: str, repository: str
) -> str:
    """Returns the path, on the host, of the template's disk, after copying it there if need be.

    Raises NotFound for an unknown template and StorageError when the library has lost its disk.
    """
    with parts.locks.hold(f"template:{template_id}:{host_id}:{repository}"):
        with parts.database.read() as connection:
            template = templates.get(connection, template_id)
            known = templates.copy_path(
                connection, template_id, host_id=host_id, repository=repository
            )
        if known and _is_there(parts, template, host_id=host_id, repository=repository):
            return known
        path = _copy(context, parts, template, host_id=host_id, repository=repository)
        with parts.database.write() as connection:
            templates.record_copy(
                connection, template_id, host_id=host_id, repository=repository, path=path
            )
        return path


def _is_there(parts: Parts, template: Template, *, host_id: str, repository: str) -> bool:
    """Somebody may have deleted the copy, or the whole repository, on the host itself."""
    try:
        parts.links.storage(host_id).volume(repository, volume_name(template))
    except NotFound:
        return False
    return True


def _copy(
    context: JobContext, parts: Parts, template: Template, *, host_id: str, repository: str
) -> str:
    source = parts.library / template.volume
    if not source.is_file():
        remedy = "Build or import the template again."
        raise StorageError(f"The disk of template {template.name} is gone.", remedy=remedy)
    size_bytes = source.stat().st_size

    def report(done_bytes: int) -> None:
        context.check()
        percent = 100 * done_bytes // max(size_bytes, 1)
        context.progress(percent, f"Copying template {template.name} to the host")

    with source.open("rb") as stream:
        facts = parts.links.storage(host_id).upload_volume(
            repository,
            volume_name(template),
            stream,
            size_bytes=size_bytes,
            format=VolumeFormat.QCOW2,
            progress=report,
        )
    return volumes.noted(parts, facts, host_id=host_id, repository=repository)
