"""Builds a template out of a distribution's packages."""

from typing import Any

from castalia.images.builder import builder
from castalia.jobs.context import JobContext
from castalia.model.clock import now
from castalia.model.template import Template
from castalia.workflows.parts import Parts
from castalia.workflows.template_register import register, registered, unregister


def template_build(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Has the builder `args["builder"]` make a disk, and registers it as `args["name"]`."""
    args = context.args
    target = parts.library / args["volume"]
    maker = builder(args["builder"])

    def build() -> dict[str, Any]:
        parts.library.mkdir(mode=0o711, parents=True, exist_ok=True)
        image = maker.build(
            target,
            work_dir=parts.settings.state_dir / "build",
            progress=context.progress,
            check=context.check,
        )
        return {
            "virtual_bytes": image.virtual_bytes,
            "size_bytes": image.size_bytes,
            "sha256": image.sha256,
            "packages": image.packages,
        }

    image = context.step("build", build, undo=lambda _: target.unlink(missing_ok=True))
    template = Template(
        id=args["id"],
        name=args["name"],
        title=maker.title,
        os=maker.os,
        volume=args["volume"],
        disk_bytes=image["virtual_bytes"],
        size_bytes=image["size_bytes"],
        sha256=image["sha256"],
        min_memory_mib=maker.min_memory_mib,
        default_size=args["default_size"],
        default_user=maker.default_user,
        cloud_init=True,
        agent=True,
        source=f"builder {maker.name}",
        notes={"fingerprint": maker.fingerprint(), **image["packages"]},
        created_at=now(),
    )
    context.step(
        "register",
        lambda: register(parts, template),
        undo=lambda _: unregister(parts, template.id, template.name),
    )
    registered(context, parts, template)
    return {"template": template.id, "name": template.name}
