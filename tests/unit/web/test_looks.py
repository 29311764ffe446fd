"""Words, drawings and icons: what a page says without being asked."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from castalia import web
from castalia.model.event import Severity
from castalia.model.host import HostState
from castalia.model.job import JobState, StepState
from castalia.model.plan import Verdict
from castalia.model.storage import RepositoryState
from castalia.model.template import TemplateState
from castalia.model.vm import VmState
from castalia.web import spark, words
from castalia.web.dialogs import NOUNS
from castalia.web.frame import SECTIONS

HOME = Path(web.__file__).parent
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENUMS = (
    VmState,
    HostState,
    JobState,
    StepState,
    TemplateState,
    RepositoryState,
    Severity,
    Verdict,
)


@pytest.mark.parametrize("state", [state for kind in ENUMS for state in kind])
def test_every_state_has_a_look(state: str) -> None:
    assert state in words.STATES


def test_states_of_a_vm_differ_in_shape_or_in_word_and_never_by_colour_alone() -> None:
    looks = [words.look(state) for state in VmState]
    assert len({look.word for look in looks}) == len(looks)
    steady = {look.shape for look in looks if look.tone != "busy"}
    assert len(steady) == sum(look.tone != "busy" for look in looks)


def test_every_shape_is_drawn() -> None:
    drawn = set(re.findall(r'id="([a-z]+)"', (HOME / "static/img/shapes.svg").read_text()))
    assert {look.shape for look in words.STATES.values()} <= drawn


def used_icons() -> set[str]:
    """Names in templates, in sections, and in actions."""
    found = {change.icon for changes in NOUNS.values() for change in changes.values()}
    found |= {section.icon for section in SECTIONS}
    for template in (HOME / "templates").rglob("*.html"):
        text = template.read_text()
        found |= set(re.findall(r'icon\("([a-z0-9-]+)"', text))
        found |= set(re.findall(r'ui\.empty\("([a-z0-9-]+)"', text))
    return found


def test_every_icon_in_use_is_in_the_sprite() -> None:
    assert used_icons() - set((HOME / "icons.txt").read_text().split()) == set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (30, "30 s ago"), (90, "2 min ago"), (7200, "2 h ago"), (-3600, "in 1 h")],
)
def test_times_are_told_from_now(seconds: int, text: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), now=NOW) == text


def test_what_never_was_is_a_dash() -> None:
    assert (words.ago(None), words.age(None), words.percent(None)) == ("–", "–", "–")
    assert words.exact(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (12, "12 s"), (185, "3 min 5 s"), (180, "3 min"), (7800, "2 h 10 min")],
)
def test_durations_keep_two_units(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_gap_breaks_the_line() -> None:
    assert len(spark.points([0.1, 0.2, None, 0.3])) == 2


def test_a_line_stays_inside_its_box() -> None:
    (line,) = spark.points([-1.0, 0.5, 7.0])
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert heights == [spark.HEIGHT - 1, spark.HEIGHT / 2, 1]


def test_nothing_measured_draws_nothing() -> None:
    assert spark.points([]) == []
    assert spark.points([None, None]) == []
