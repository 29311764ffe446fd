"""Brings disk images and ISOs in from outside: fetched, inspected, and only then used."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from castalia.errors import ImageError, NotFound
from castalia.images.addresses import AddressPolicy
from castalia.images.checksum import Checksum, file_digest
from castalia.images.fetch import FetchRules, discard, fetch
from castalia.images.prepare import prepare
from castalia.jobs.context import JobContext
from castalia.model.clock import now
from castalia.model.image import ImageSource
from castalia.model.storage import VolumeFormat
from castalia.model.template import Template, TemplateEdit
from castalia.settings import ImportSettings
from castalia.workflows import volumes
from castalia.workflows.arguments import from_json
from castalia.workflows.free_names import free_volume_name
from castalia.workflows.parts import Parts
from castalia.workflows.template_register import register, registered, unregister


def template_import(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Makes the template `args["name"]` of `args["source"]`; `args["edit"]` says more about it."""
    args = context.args
    target = parts.library / args["volume"]
    image = _image(context, parts, target)
    if image["format"] == VolumeFormat.ISO:
        raise ImageError(
            "This is an ISO: an installation medium, not a disk that a VM can be made of.",
            code="image.iso",
            remedy="Import it into a repository: castalia volume import REPOSITORY FILE-OR-URL",
        )
    edit = from_json(TemplateEdit, args["edit"])
    template = Template(
        id=args["id"],
        name=args["name"],
        title=edit.title or "",
        os=edit.os or "",
        volume=args["volume"],
        disk_bytes=image["virtual_bytes"],
        size_bytes=image["actual_bytes"],
        sha256=image["sha256"],
        min_memory_mib=edit.min_memory_mib or 128,
        default_size=edit.default_size or "small",
        default_user=edit.default_user or "",
        source=from_json(ImageSource, args["source"]).label,
        created_at=now(),
    )
    context.step(
        "register",
        lambda: register(parts, template),
        undo=lambda _: unregister(parts, template.id, template.name),
    )
    registered(context, parts, template)
    return {"template": template.id, "name": template.name}


def volume_import(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Puts `args["source"]` into a repository as the volume `args["volume"]`."""
    args = context.args
    host_id, repository, name = args["host"], args["repository"], args["volume"]
    staged = _staging(parts) / f"{context.job_id}.ready"
    image = _image(context, parts, staged)
    context.step(
        "look",
        lambda: free_volume_name(parts, host_id=host_id, repository=repository, name=name),
    )
    context.step(
        "store",
        lambda: _store(context, parts, staged, VolumeFormat(image["format"])),
        undo=lambda _: volumes.delete(parts, host_id=host_id, repository=repository, name=name),
    )
    context.step("clear", lambda: staged.unlink(missing_ok=True))
    return {"repository": repository, "volume": name}


def _image(context: JobContext, parts: Parts, target: Path) -> dict[str, Any]:
    """Fetches, checks and prepares the source as `target`; what it is then."""
    source = from_json(ImageSource, context.args["source"])
    part = _staging(parts) / f"{context.job_id}.source"
    context.step(
        "fetch",
        lambda: _fetch(context, parts, source, part),
        undo=lambda _: _forget(part),
    )
    facts = context.step(
        "inspect and convert",
        lambda: _prepare(context, parts, source, part, target),
        undo=lambda _: target.unlink(missing_ok=True),
    )
    context.step("tidy up", lambda: _forget(part))
    return facts


def _staging(parts: Parts) -> Path:
    directory = parts.settings.state_dir / "staging"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _forget(part: Path) -> None:
    discard(part)
    part.unlink(missing_ok=True)


def _fetch(context: JobContext, parts: Parts, source: ImageSource, part: Path) -> None:
    checksum = Checksum.parse(source.checksum) if source.checksum else None
    if source.url:
        fetch(
            source.url,
            part,
            rules=_rules(parts.settings.imports),
            checksum=checksum,
            progress=context.progress,
            check=context.check,
        )
    elif checksum is not None:
        context.progress(0, "Comparing the checksum")
        checksum.verify(_local(parts, source), check=context.check)


def _rules(settings: ImportSettings) -> FetchRules:
    policy = AddressPolicy(
        allow_private=settings.allow_private, allowed_networks=settings.allowed_networks
    )
    return FetchRules(policy=policy, proxy=settings.proxy)


def _local(parts: Parts, source: ImageSource) -> Path:
    path = Path(source.path) if source.path else parts.uploads(source.upload_id)
    if not path.is_file():
        raise NotFound(f"There is no file {path.name} on the manager.", field="path")
    return path


def _prepare(
    context: JobContext, parts: Parts, source: ImageSource, part: Path, target: Path
) -> dict[str, Any]:
    origin = part if source.url else _local(parts, source)
    done = prepare(
        origin,
        target,
        filename=_filename(source, origin),
        progress=context.progress,
        check=context.check,
    )
    return {
        "format": done.info.format.value,
        "virtual_bytes": done.info.virtual_bytes,
        "actual_bytes": done.info.actual_bytes,
        "sha256": file_digest(target, check=context.check),
    }


def _filename(source: ImageSource, origin: Path) -> str:
    if source.url:
        return PurePath(unquote(urlsplit(source.url).path)).name or origin.name
    return source.filename or origin.name


def _store(context: JobContext, parts: Parts, staged: Path, format: VolumeFormat) -> str:
    args = context.args
    size_bytes = staged.stat().st_size
    report = _reporting(context, size_bytes)
    with staged.open("rb") as stream:
        facts = parts.links.storage(args["host"]).upload_volume(
            args["repository"],
            args["volume"],
            stream,
            size_bytes=size_bytes,
            format=format,
            progress=report,
        )
    return volumes.noted(parts, facts, host_id=args["host"], repository=args["repository"])


def _reporting(context: JobContext, size_bytes: int) -> Callable[[int], None]:
    def report(done_bytes: int) -> None:
        context.check()
        context.progress(100 * done_bytes // max(size_bytes, 1), "Storing it on the host")

    return report
