"""The library of templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from castalia.db import templates as template_store
from castalia.db.database import Database
from castalia.errors import InvalidRequest, NotFound
from castalia.images.builder import TemplateBuilder, builder, builders
from castalia.jobs.request import JobRequest, Resource
from castalia.model.access import Principal, Role
from castalia.model.ids import new_id
from castalia.model.image import ImageSource
from castalia.model.job import Job
from castalia.model.names import checked_name
from castalia.model.page import Page, PageRequest
from castalia.model.plan import Check, Plan
from castalia.model.template import Template, TemplateEdit
from castalia.model.vm import SIZES
from castalia.services.audit import AuditService
from castalia.services.checks import blocked, ok
from castalia.services.image_source import checked_source, named_source
from castalia.services.submission import Submission
from castalia.services.uploads import UploadService
from castalia.workflows.arguments import to_json


@dataclass(frozen=True, kw_only=True)
class TemplateService:
    """Builds, imports, edits and removes templates."""

    database: Database
    submission: Submission
    audit: AuditService
    uploads: UploadService

    def list(self, page: PageRequest, *, principal: Principal) -> Page[Template]:
        """A page of templates."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return template_store.page(connection, page)

    def get(self, ref: str, *, principal: Principal) -> Template:
        """The template with that id or name."""
        principal.require(Role.VIEWER)
        with self.database.read() as connection:
            return template_store.find(connection, ref)

    def builders(self, *, principal: Principal) -> Sequence[TemplateBuilder]:
        """What can be built here."""
        principal.require(Role.VIEWER)
        return list(builders().values())

    def build(self, builder_name: str, *, name: str = "", principal: Principal) -> Job:
        """Enqueues building a template; it is called as its builder unless `name` says
        otherwise."""
        principal.require(Role.OPERATOR)
        maker = builder(builder_name)
        plan = self._plan_build(name or maker.name)
        size = "micro" if maker.min_memory_mib <= SIZES["micro"].memory_mib else "small"
        args = {"builder": maker.name, "default_size": size}
        return self._submit("template_build", plan, name or maker.name, args, principal)

    def plan_build(self, builder_name: str, *, name: str = "", principal: Principal) -> Plan:
        """What `build` would do."""
        principal.require(Role.OPERATOR)
        maker = builder(builder_name)
        return self._plan_build(name or maker.name)

    def import_image(
        self,
        name: str,
        source: ImageSource,
        *,
        edit: TemplateEdit | None = None,
        principal: Principal,
    ) -> Job:
        """Enqueues making a template of a disk image; `edit` says more about it (os, default size,
        …).

        Raises InvalidRequest for a source that cannot be right; a path on the manager needs the
        role admin.
        """
        source = self._checked_source(source, principal)
        plan = self._plan_import(name, source)
        args = {"source": to_json(source), "edit": to_json(_checked_edit(edit or TemplateEdit()))}
        return self._submit("template_import", plan, name, args, principal)

    def plan_import(self, name: str, source: ImageSource, *, principal: Principal) -> Plan:
        """What `import_image` would do."""
        return self._plan_import(name, self._checked_source(source, principal))

    def edit(
        self,
        ref: str,
        edit: TemplateEdit,
        *,
        expected_revision: int | None = None,
        principal: Principal,
    ) -> Template:
        """Changes what is said of a template; its disk never changes."""
        principal.require(Role.OPERATOR)
        values = {k: v for k, v in to_json(_checked_edit(edit)).items() if v is not None}
        with self.database.write() as connection:
            template = template_store.find(connection, ref)
            template = template_store.update(
                connection, template.id, expected_revision=expected_revision, **values
            )
        self.audit.record(principal, action="template_edit", target=template.name, outcome="done")
        return template

    def remove(self, ref: str, *, principal: Principal) -> Job:
        """Enqueues removing a template that no VM is based on."""
        principal.require(Role.OPERATOR)
        template = self._find(ref)
        plan = self._plan_remove(template)
        request = JobRequest(
            kind="template_remove",
            title=plan.title,
            args={"template": template.id, "user": principal.user_name},
            resources=(Resource(name=f"template:{template.id}", label=template.name),),
            target=f"template:{template.id}",
            target_name=template.name,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)

    def plan_remove(self, ref: str, *, principal: Principal) -> Plan:
        """What `remove` would do."""
        principal.require(Role.OPERATOR)
        return self._plan_remove(self._find(ref))

    def _find(self, ref: str) -> Template:
        with self.database.read() as connection:
            return template_store.find(connection, ref)

    def _checked_source(self, source: ImageSource, principal: Principal) -> ImageSource:
        principal.require(Role.ADMIN if source.path else Role.OPERATOR)
        return named_source(checked_source(source), self.uploads, principal)

    def _name_check(self, name: str) -> Check:
        try:
            self._find(checked_name(name))
        except NotFound:
            return ok("name", "The name is free.")
        return blocked(
            "name",
            f"There is a template {name} already.",
            remedy="Choose another name, or remove the other template first.",
            code="template.name-taken",
            field="name",
        )

    def _plan_build(self, name: str) -> Plan:
        return Plan(
            title=f"Build template {name}",
            checks=(self._name_check(name),),
            steps=(
                "fetch the distribution's packages",
                "make the disk, without root's loop mounts",
                "register it in the library",
            ),
        )

    def _plan_import(self, name: str, source: ImageSource) -> Plan:
        return Plan(
            title=f"Import template {name}",
            checks=(self._name_check(name),),
            steps=(
                f"fetch {source.label}",
                "inspect it: format, size, no backing file, not truncated",
                "convert it to qcow2",
                "register it in the library",
            ),
        )

    def _plan_remove(self, template: Template) -> Plan:
        check = ok("use", "No VM is based on it.")
        if template.vm_count:
            check = blocked(
                "use",
                f"{template.vm_count} VMs are based on {template.name}.",
                remedy="Delete these first; their disks hold only the differences.",
                code="template.in-use",
            )
        return Plan(
            title=f"Remove template {template.name}",
            checks=(check,),
            steps=("delete its copies on the hosts", "delete it from the library"),
        )

    def _submit(
        self, kind: str, plan: Plan, name: str, args: Mapping[str, object], principal: Principal
    ) -> Job:
        template_id = new_id()
        request = JobRequest(
            kind=kind,
            title=plan.title,
            args={
                "id": template_id,
                "name": name,
                "volume": f"{name}-{template_id[-8:]}.qcow2",
                "user": principal.user_name,
                **args,
            },
            resources=(
                Resource(name=f"template-name:{name}", label=f"template {name}"),
                Resource(name="image-work", limit=2, label="image work"),
            ),
            target=f"template:{template_id}",
            target_name=name,
            created_by=principal.user_name,
        )
        return self.submission.submit(request, plan=plan, principal=principal)


def _checked_edit(edit: TemplateEdit) -> TemplateEdit:
    if edit.name is not None:
        checked_name(edit.name)
    if edit.default_size is not None and edit.default_size not in SIZES:
        remedy = f"Choose one of: {', '.join(SIZES)}."
        raise InvalidRequest(
            f"There is no size {edit.default_size!r}.", field="default_size", remedy=remedy
        )
    return edit


def library_path(state_dir: Path) -> Path:
    """Where the templates' disks lie on the manager."""
    return state_dir / "templates"
