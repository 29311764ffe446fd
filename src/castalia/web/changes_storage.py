"""What can be done with repositories and volumes."""

from castalia.model.access import Role
from castalia.model.amount import parse_bytes
from castalia.model.image import ImageSource
from castalia.model.job import Job
from castalia.model.page import PageRequest
from castalia.model.storage import VolumeFormat
from castalia.web.changes import Ask, Change, Choice, Field, by_verb, once_filled
from castalia.web.command import Command, options


def host_choices(ask: Ask) -> list[Choice]:
    """All hosts, by name."""
    found = ask.services.hosts.list(PageRequest(limit=200), principal=ask.principal).items
    return [(host.name, host.name) for host in found]


def _add_command(ask: Ask) -> Command:
    body = {
        "host": ask.text("host"),
        "name": ask.text("name") or "NAME",
        "path": ask.text("path") or "/PATH",
    }
    asked = options({"host": body["host"], "path": body["path"]})
    words = ["repository", "add", body["name"], *asked]
    return Command(words=words, path="/repositories", method="POST", body=body)


def _size(ask: Ask, default: str = "10G") -> int:
    return parse_bytes(ask.text("size") or default, field="size", default_unit="g")


def _volume_add_command(ask: Ask) -> Command:
    name, size = ask.text("name") or "NAME", ask.text("size") or "10G"
    words = ["volume", "create", f"{ask.subject.name}/{name}", size, "--format", _format(ask)]
    body = {"name": name, "size_bytes": _size(ask), "format": _format(ask)}
    path = f"/repositories/{ask.subject.id}/volumes"
    return Command(words=words, path=path, method="POST", body=body)


def _format(ask: Ask) -> str:
    return ask.text("format") or "qcow2"


def _volume(ask: Ask) -> str:
    return f"{ask.subject.name}/{ask.text('volume')}"


def _volume_path(ask: Ask) -> str:
    return f"/repositories/{ask.ref}/volumes/{ask.text('volume')}"


def _iso_import(ask: Ask) -> Job:
    source = ImageSource(
        url=ask.text("url"), upload_id=ask.text("upload"), checksum=ask.text("checksum")
    )
    return ask.services.volume_import.start(
        ask.ref, ask.text("name"), source, principal=ask.principal
    )


def _iso_command(ask: Ask) -> Command:
    body = {"name": ask.text("name"), "source": {"url": ask.text("url") or "URL"}}
    asked = options({"name": ask.text("name"), "checksum": ask.text("checksum")})
    words = ["volume", "import", ask.subject.name, ask.text("url") or "FILE-OR-URL", *asked]
    path = f"/repositories/{ask.subject.id}/isos"
    return Command(words=words, path=path, method="POST", body=body)


def _resize_command(ask: Ask) -> Command:
    size = ask.text("size") or "20G"
    words = ["volume", "grow", _volume(ask), size]
    body = {"size_bytes": _size(ask, "20G")}
    return Command(words=words, path=_volume_path(ask), method="PATCH", body=body)


_VOLUME = Field(name="volume", label="", kind="hidden", value=lambda ask: ask.text("volume"))
_FORMATS = (("qcow2", "qcow2 (grows as needed)"), ("raw", "raw"))

CHANGES = by_verb(
    Change(
        noun="repository",
        verb="add",
        label="Add a repository",
        icon="plus",
        button="Add",
        role=Role.ADMIN,
        text="The directory becomes a storage pool of the host's libvirt. What is in it stays as "
        "it is and shows up as volumes.",
        fields=(
            Field(name="host", label="Host", kind="select", choices=host_choices),
            Field(name="name", label="Name", required=True, placeholder="fast"),
            Field(name="path", label="Directory", required=True, placeholder="/srv/castalia/fast"),
        ),
        plan=once_filled(
            "name",
            "path",
            plan=lambda ask: ask.services.storage.plan_add_repository(
                ask.text("host"), ask.text("name"), ask.text("path"), principal=ask.principal
            ),
        ),
        run=lambda ask: ask.services.storage.add_repository(
            ask.text("host"), ask.text("name"), ask.text("path"), principal=ask.principal
        ),
        command=_add_command,
    ),
    Change(
        noun="repository",
        verb="iso-import",
        label="Fetch an ISO",
        icon="disc",
        button="Fetch",
        text="The host's repository gets the CD image, checked, for installing VMs from it.",
        fields=(
            Field(name="url", label="Address", placeholder="https://example.org/install.iso"),
            Field(name="upload", label="Or a file", kind="upload"),
            Field(name="name", label="Name", hint="Empty: the file's own name."),
            Field(name="checksum", label="SHA-256", hint="Strongly advised."),
        ),
        run=_iso_import,
        command=_iso_command,
    ),
    Change(
        noun="repository",
        verb="refresh",
        label="Look again",
        icon="refresh",
        text="The host looks at the directory again, for volumes that came or went by other hands.",
        run=lambda ask: ask.services.storage.refresh(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["repository", "refresh", ask.subject.name],
            path=f"/repositories/{ask.subject.id}/refresh",
            method="POST",
        ),
    ),
    Change(
        noun="repository",
        verb="remove",
        label="Remove",
        icon="trash",
        role=Role.ADMIN,
        danger=True,
        plan=lambda ask: ask.services.storage.plan_remove_repository(
            ask.ref, principal=ask.principal
        ),
        run=lambda ask: ask.services.storage.remove_repository(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["repository", "remove", ask.subject.name],
            path=f"/repositories/{ask.subject.id}",
            method="DELETE",
        ),
    ),
    Change(
        noun="repository",
        verb="volume-add",
        label="New volume",
        icon="plus",
        button="Create",
        text="A blank volume is made. It takes space only as a guest writes to it.",
        fields=(
            Field(name="name", label="Name", required=True, placeholder="data.qcow2"),
            Field(name="size", label="Size", required=True, value=lambda _: "10G"),
            Field(name="format", label="Format", kind="select", choices=lambda _: _FORMATS),
        ),
        plan=once_filled(
            "name",
            plan=lambda ask: ask.services.storage.plan_create_volume(
                ask.ref,
                ask.text("name"),
                size_bytes=_size(ask),
                format=ask.text("format", "qcow2"),
                principal=ask.principal,
            ),
        ),
        run=lambda ask: ask.services.storage.create_volume(
            ask.ref,
            ask.text("name"),
            size_bytes=_size(ask),
            format=VolumeFormat(ask.text("format", "qcow2")),
            principal=ask.principal,
        ),
        command=_volume_add_command,
    ),
    Change(
        noun="repository",
        verb="volume-resize",
        label="Grow",
        icon="arrows-maximize",
        text="The volume gets larger; what is on it stays. Volumes never shrink.",
        fields=(
            _VOLUME,
            Field(name="size", label="New size", required=True, value=lambda _: "20G"),
        ),
        plan=lambda ask: ask.services.storage.plan_resize_volume(
            ask.ref, ask.text("volume"), _size(ask, "20G"), principal=ask.principal
        ),
        run=lambda ask: ask.services.storage.resize_volume(
            ask.ref, ask.text("volume"), size_bytes=_size(ask), principal=ask.principal
        ),
        command=_resize_command,
    ),
    Change(
        noun="repository",
        verb="volume-delete",
        label="Delete",
        icon="trash",
        danger=True,
        text="The volume and everything on it is gone for good. One that a VM, a template or "
        "another volume needs is refused.",
        confirm_name=lambda _: True,
        fields=(_VOLUME,),
        plan=lambda ask: ask.services.storage.plan_delete_volume(
            ask.ref, ask.text("volume"), principal=ask.principal
        ),
        run=lambda ask: ask.services.storage.delete_volume(
            ask.ref, ask.text("volume"), principal=ask.principal
        ),
        command=lambda ask: Command(
            words=["volume", "delete", _volume(ask)],
            path=_volume_path(ask),
            method="DELETE",
        ),
    ),
)
