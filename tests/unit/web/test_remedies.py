"""Remedies become buttons and commands."""

import pytest

from castalia.web.remedies import Remedy, remedy_of


def test_words_alone_stay_words() -> None:
    assert remedy_of("Choose another name.") == Remedy(text="Choose another name.")


def test_a_command_that_a_dialog_does_becomes_its_button() -> None:
    remedy = remedy_of("Start it first: castalia vm start web-1")
    assert remedy == Remedy(
        text="Start it first:",
        command="castalia vm start web-1",
        label="Start it",
        dialog="/do/vm/start?ref=web-1",
    )


def test_a_command_that_a_page_does_leads_there() -> None:
    remedy = remedy_of("Its log: castalia job log 06h1")
    assert (remedy.href, remedy.dialog) == ("/jobs/06h1", "")


def test_a_command_that_nothing_does_here_can_be_copied() -> None:
    remedy = remedy_of("Run it as root: sudo castalia lab create")
    assert (remedy.command, remedy.label) == ("sudo castalia lab create", "")


@pytest.mark.parametrize("text", ["", "See: nothing", "Start it with: castalia up   (or not)"])
def test_other_endings_are_words(text: str) -> None:
    assert remedy_of(text).command == ""
