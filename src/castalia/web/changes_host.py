"""What can be done with hosts."""

from castalia.model.access import Role
from castalia.model.host import Host, HostChange, HostEdit, HostState
from castalia.web.changes import Ask, Change, Field, by_verb
from castalia.web.command import Command, options

EXAMPLES = (
    ("qemu:///system", "this machine, all rights"),
    ("qemu:///session", "this machine, without root"),
    ("qemu+ssh://root@192.0.2.10/system", "another machine, by SSH key"),
    ("qemu+tls://host.example.org/system", "another machine, by certificates"),
)


def _new_host(ask: Ask) -> HostChange:
    return HostChange(
        name=ask.text("name"),
        uri=ask.text("uri", "qemu:///system"),
        description=ask.text("description"),
        tags=ask.words("tags"),
    )


def _add_command(ask: Ask) -> Command:
    body = {"name": ask.text("name"), "uri": ask.text("uri", "qemu:///system")}
    words = ["host", "add", body["uri"], *options({"name": body["name"]})]
    return Command(words=words, path="/hosts", method="POST", body=body)


def _edit(ask: Ask) -> HostEdit:
    return HostEdit(
        name=ask.text("name"), description=ask.text("description"), tags=ask.words("tags")
    )


def _edit_run(ask: Ask) -> None:
    ask.services.hosts.edit(
        ask.ref,
        _edit(ask),
        expected_revision=int(ask.text("revision")),
        principal=ask.principal,
    )


def _edit_command(ask: Ask) -> Command:
    name = ask.text("name", ask.subject.name)
    words = ["host", "edit", ask.subject.name, "--name", name]
    path = f"/hosts/{ask.subject.id}"
    return Command(words=words, path=path, method="PATCH", body={"name": name})


def _up(host: Host) -> bool:
    return host.state is HostState.UP


CHANGES = by_verb(
    Change(
        noun="host",
        verb="add",
        label="Add a host",
        icon="plus",
        button="Add",
        role=Role.ADMIN,
        fields=(
            Field(
                name="uri",
                label="Address",
                required=True,
                examples=EXAMPLES,
                value=lambda _: "qemu:///system",
            ),
            Field(name="name", label="Name", hint="Empty: the host's own name."),
            Field(name="tags", label="Tags", placeholder="rack:a1 fast"),
            Field(name="description", label="Description", kind="area"),
        ),
        plan=lambda ask: ask.services.hosts.plan_add(_new_host(ask), principal=ask.principal),
        run=lambda ask: ask.services.hosts.add(_new_host(ask), principal=ask.principal),
        command=_add_command,
    ),
    Change(
        noun="host",
        verb="edit",
        label="Edit",
        icon="pencil",
        button="Save",
        done="Saved.",
        role=Role.ADMIN,
        text="Changes what is written about the host here. The host itself is not touched.",
        fields=(
            Field(name="name", label="Name", required=True, value=lambda ask: ask.subject.name),
            Field(name="tags", label="Tags", value=lambda ask: " ".join(ask.subject.tags)),
            Field(
                name="description",
                label="Description",
                kind="area",
                value=lambda ask: ask.subject.description,
            ),
            Field(name="revision", label="", kind="hidden", value=lambda ask: ask.subject.revision),
        ),
        run=_edit_run,
        command=_edit_command,
    ),
    Change(
        noun="host",
        verb="probe",
        label="Measure the accelerator again",
        icon="activity",
        button="Measure",
        role=Role.ADMIN,
        text="A firmware-sized guest is run with and without KVM for two seconds at most, to see "
        "which one is really faster. VMs that run are not touched.",
        offered=_up,
        plan=lambda ask: ask.services.hosts.plan_probe(ask.ref, principal=ask.principal),
        run=lambda ask: ask.services.hosts.probe(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["host", "probe", ask.subject.name],
            path=f"/hosts/{ask.subject.id}/probe",
            method="POST",
        ),
    ),
    Change(
        noun="host",
        verb="reconnect",
        label="Reconnect",
        icon="plug-connected",
        role=Role.ADMIN,
        text="The connection to the host's libvirt is closed and made anew. VMs run on.",
        done="Reconnecting…",
        run=lambda ask: ask.services.hosts.reconnect(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["host", "reconnect", ask.subject.name],
            path=f"/hosts/{ask.subject.id}/reconnect",
            method="POST",
        ),
    ),
    Change(
        noun="host",
        verb="remove",
        label="Remove",
        icon="trash",
        role=Role.ADMIN,
        danger=True,
        plan=lambda ask: ask.services.hosts.plan_remove(ask.ref, principal=ask.principal),
        run=lambda ask: ask.services.hosts.remove(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["host", "remove", ask.subject.name],
            path=f"/hosts/{ask.subject.id}",
            method="DELETE",
        ),
    ),
)
