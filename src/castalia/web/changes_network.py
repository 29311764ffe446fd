"""What can be done with networks."""

from typing import Any

from castalia.model.access import Role
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.web.changes import Ask, Change, Field, by_verb, once_filled
from castalia.web.changes_storage import host_choices
from castalia.web.command import Command, options

_KINDS = (
    ("nat", "NAT: guests reach the outside, nobody reaches them"),
    ("isolated", "Isolated: guests reach each other and the host"),
    ("bridge", "An existing bridge: guests are in the host's own network"),
)


def _spec(ask: Ask) -> NetworkSpec:
    return NetworkSpec(
        name=ask.text("name"),
        kind=NetworkKind(ask.text("kind", "nat")),
        cidr=ask.text("cidr"),
        dhcp=ask.flag("dhcp"),
        bridge=ask.text("bridge"),
    )


def _add_command(ask: Ask) -> Command:
    body: dict[str, Any] = {
        "host": ask.text("host"),
        "name": ask.text("name") or "NAME",
        "kind": ask.text("kind", "nat"),
        "cidr": ask.text("cidr"),
    }
    asked = {key: body[key] for key in ("host", "kind", "cidr")} | {"bridge": ask.text("bridge")}
    words = ["network", "add", body["name"], *options(asked)]
    return Command(words=words, path="/networks", method="POST", body=body)


CHANGES = by_verb(
    Change(
        noun="network",
        verb="add",
        label="Add a network",
        icon="plus",
        button="Add",
        role=Role.ADMIN,
        text="The network is defined and started on the host, and starts with it from now on.",
        fields=(
            Field(name="host", label="Host", kind="select", choices=host_choices),
            Field(name="name", label="Name", required=True, placeholder="lab"),
            Field(
                name="kind",
                label="Kind",
                kind="radio",
                choices=lambda _: _KINDS,
                value=lambda ask: ask.text("kind", "nat"),
            ),
            Field(
                name="cidr",
                label="Address",
                value=lambda _: "10.77.0.1/24",
                hint="The host's own address with the prefix; not for a bridge.",
            ),
            Field(
                name="dhcp", label="Give out addresses (DHCP)", kind="check", value=lambda _: True
            ),
            Field(name="bridge", label="Bridge", placeholder="br0", hint="Only for a bridge."),
        ),
        plan=once_filled(
            "name",
            plan=lambda ask: ask.services.networks.plan_add(
                ask.text("host"), _spec(ask), principal=ask.principal
            ),
        ),
        run=lambda ask: ask.services.networks.add(
            ask.text("host"), _spec(ask), principal=ask.principal
        ),
        command=_add_command,
    ),
    Change(
        noun="network",
        verb="remove",
        label="Remove",
        icon="trash",
        role=Role.ADMIN,
        danger=True,
        plan=lambda ask: ask.services.networks.plan_remove(ask.ref, principal=ask.principal),
        run=lambda ask: ask.services.networks.remove(ask.ref, principal=ask.principal),
        command=lambda ask: Command(
            words=["network", "remove", ask.subject.facts.name],
            path=f"/networks/{ask.subject.id}",
            method="DELETE",
        ),
    ),
)
