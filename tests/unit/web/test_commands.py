"""What pages and dialogs show as a command is one that the command line understands."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer.main

from castalia.cli.main import app
from castalia.model.access import Principal, Role
from castalia.model.network import NetworkFacts, NetworkKind
from castalia.model.vm import Definition, Vm, VmState
from castalia.web import command
from castalia.web.changes import Ask, Change
from castalia.web.dialogs import NOUNS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WHO = Principal(user_id="u", user_name="alice", role=Role.ADMIN)
FORM = {"target": "vda", "mac": "52:54:00:00:00:01", "volume": "data.qcow2", "host": "h1"}
OPTIONAL_WORDS = {"volume": ""}


def subject(noun: str) -> Any:
    if noun == "vm":
        definition = Definition(uuid="u", name="web1", vcpus=2, memory_mib=512)
        return Vm(
            id="v1",
            uuid="u",
            host_id="h1",
            name="web1",
            state=VmState.RUNNING,
            definition=definition,
            created_at=NOW,
        )
    facts = NetworkFacts(name="lab", uuid="u", kind=NetworkKind.NAT)
    return SimpleNamespace(id="x1", name="thing", role=Role.VIEWER, disabled=False, facts=facts)


def every_change() -> Iterator[Any]:
    for noun, changes in NOUNS.items():
        for verb, change in changes.items():
            yield pytest.param(noun, change, id=f"{noun}-{verb}")


def understand(words: list[str]) -> None:
    """Has the command line parse the words without running anything; it raises on a mistake."""
    found: Any = typer.main.get_command(app)
    context = found.make_context("castalia", list(words), resilient_parsing=False)
    while hasattr(found, "resolve_command"):
        _, found, rest = found.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context = found.make_context(found.name, list(rest), parent=context)


@pytest.mark.parametrize(("noun", "change"), list(every_change()))
@pytest.mark.parametrize("form", [FORM, FORM | OPTIONAL_WORDS], ids=["filled", "sparse"])
def test_a_dialogs_command_is_understood(noun: str, change: Change, form: dict[str, str]) -> None:
    ask = Ask(services=cast(Any, None), principal=WHO, ref="x1", subject=subject(noun), form=form)
    shown = change.command(ask)
    understand(list(shown.words))
    assert shown.path.startswith("/")


@pytest.mark.parametrize("noun", ["vm", "host", "template", "repository", "network", "job"])
def test_a_lists_command_is_understood(noun: str) -> None:
    shown = command.listing(noun, f"/{noun}s", filter="state:running web", sort="-name")
    understand(list(shown.words))


@pytest.mark.parametrize("word", ["events", "audit"])
def test_records_are_listed_by_one_word(word: str) -> None:
    understand(list(command.listing(word, "/x", filter="user:alice").words))


def test_the_check_itself_finds_a_wrong_word() -> None:
    with pytest.raises(Exception, match="No such command"):
        understand(["vm", "no-such-verb"])
    with pytest.raises(Exception, match="No such option"):
        understand(["vm", "list", "--no-such-option"])


def test_a_shell_gets_what_was_typed() -> None:
    shown = command.Command(words=["vm", "create", "a b; rm -rf /"], path="/vms")
    assert shown.cli == "castalia vm create 'a b; rm -rf /'"


def test_a_body_is_quoted_for_curl() -> None:
    shown = command.Command(words=[], path="/vms", method="POST", body={"name": "it's"})
    assert '\'{"name": "it\'"\'"\'s"}\'' in shown.curl
