"""What can be done with templates."""

from castalia.model.access import Role
from castalia.model.image import ImageSource
from castalia.model.job import Job
from castalia.model.plan import Plan
from castalia.model.template import TemplateEdit
from castalia.web.changes import Ask, Change, Choice, Field, by_verb, once_filled
from castalia.web.command import Command, options


def _builders(ask: Ask) -> list[Choice]:
    found = ask.services.templates.builders(principal=ask.principal)
    return [(builder.name, builder.title) for builder in found]


def _build_command(ask: Ask) -> Command:
    builder, name = ask.text("builder", "micro"), ask.text("name")
    body = {"name": name or builder, "source": {"builder": builder}}
    words = ["template", "build", builder, *options({"name": name})]
    return Command(words=words, path="/templates", method="POST", body=body)


def _url_command(ask: Ask) -> Command:
    name, url = ask.text("name") or "NAME", ask.text("url") or "URL"
    checksum = ask.text("checksum")
    words = ["template", "import", name, url, *options({"checksum": checksum})]
    body = {"name": name, "source": {"url": url, "checksum": checksum}}
    return Command(words=words, path="/templates", method="POST", body=body)


def _file_command(ask: Ask) -> Command:
    name, path = ask.text("name") or "NAME", ask.text("path") or "/PATH/ON/THE/MANAGER"
    words = ["template", "import", name, path]
    body = {"name": name, "source": {"path": path}}
    return Command(words=words, path="/templates", method="POST", body=body)


def _upload_command(ask: Ask) -> Command:
    name = ask.text("name") or "NAME"
    words = ["template", "import", name, "FILE.qcow2"]
    body = {"name": name, "source": {"upload": ask.text("upload") or "UPLOAD-ID"}}
    return Command(words=words, path="/templates", method="POST", body=body)


_NAME = Field(name="name", label="Name", required=True, placeholder="debian-12-web")


def _source(ask: Ask) -> ImageSource:
    return ImageSource(
        url=ask.text("url"),
        path=ask.text("path"),
        upload_id=ask.text("upload"),
        checksum=ask.text("checksum"),
    )


def _import_plan(ask: Ask) -> Plan:
    return ask.services.templates.plan_import(
        ask.text("name"), _source(ask), principal=ask.principal
    )


def _import(ask: Ask) -> Job:
    return ask.services.templates.import_image(
        ask.text("name"),
        _source(ask),
        edit=TemplateEdit(os=ask.text("os") or None),
        principal=ask.principal,
    )


CHANGES = by_verb(
    Change(
        noun="template",
        verb="build",
        label="Build from Debian packages",
        icon="box",
        button="Build",
        text="The image is made here out of packages: nothing prebuilt is fetched. It is checked, "
        "sealed read-only and ready for linked clones.",
        fields=(
            Field(
                name="builder",
                label="What",
                kind="radio",
                choices=_builders,
                value=lambda ask: ask.text("builder", "micro"),
            ),
            Field(name="name", label="Name", hint="Empty: the builder's name."),
        ),
        plan=lambda ask: ask.services.templates.plan_build(
            ask.text("builder", "micro"), name=ask.text("name"), principal=ask.principal
        ),
        run=lambda ask: ask.services.templates.build(
            ask.text("builder", "micro"), name=ask.text("name"), principal=ask.principal
        ),
        command=_build_command,
    ),
    Change(
        noun="template",
        verb="import-url",
        label="Import from an address",
        icon="world",
        button="Import",
        text="The manager fetches the image, checks it (a backing file, a lying size or a wrong "
        "checksum is refused), converts it to qcow2 and seals it. It can be resumed.",
        fields=(
            _NAME,
            Field(
                name="url",
                label="Address",
                required=True,
                placeholder="https://example.org/image.qcow2",
                hint="qcow2, raw or ISO",
            ),
            Field(name="checksum", label="SHA-256", hint="Strongly advised."),
            Field(name="os", label="System", placeholder="debian-12"),
        ),
        plan=once_filled("name", "url", plan=_import_plan),
        run=_import,
        command=_url_command,
    ),
    Change(
        noun="template",
        verb="import-upload",
        label="Upload an image",
        icon="cloud-upload",
        button="Import",
        text="The file is sent in pieces and can be resumed; then it is checked, converted to "
        "qcow2 and sealed.",
        fields=(
            _NAME,
            Field(name="upload", label="File", kind="upload", required=True),
            Field(name="os", label="System", placeholder="debian-12"),
        ),
        plan=once_filled("name", "upload", plan=_import_plan),
        run=_import,
        command=_upload_command,
    ),
    Change(
        noun="template",
        verb="import-file",
        label="Import a file of the manager",
        icon="folder",
        button="Import",
        role=Role.ADMIN,
        text="The file is read where the manager runs, checked, converted to qcow2 and sealed. The "
        "original stays as it is.",
        fields=(
            _NAME,
            Field(name="path", label="Path", required=True, placeholder="/srv/images/web.qcow2"),
            Field(name="os", label="System", placeholder="debian-12"),
        ),
        plan=once_filled("name", "path", plan=_import_plan),
        run=_import,
        command=_file_command,
    ),
    Change(
        noun="template",
        verb="remove",
        label="Remove",
        icon="trash",
        danger=True,
        confirm_name=lambda _: True,
        plan=lambda ask: ask.services.templates.plan_remove(ask.ref, principal=ask.principal),
        run=lambda ask: ask.services.templates.remove(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["template", "remove", ask.subject.name],
            path=f"/templates/{ask.subject.id}",
            method="DELETE",
        ),
    ),
)
