"""The search language: what it reads, and what it refuses with which words."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import InvalidRequest
from castalia.model.filters import Field, Kind, Operator, Term, parse

FIELDS = {
    "name": Field(),
    "state": Field(choices=("running", "stopped")),
    "cpu": Field(kind=Kind.PERCENT),
    "mem": Field(kind=Kind.MIB),
    "size": Field(kind=Kind.BYTES),
    "agent": Field(kind=Kind.FLAG),
    "created": Field(kind=Kind.TIME),
    "vcpus": Field(kind=Kind.NUMBER),
}


def one(text: str) -> Term:
    (term,) = parse(text, fields=FIELDS)
    return term


def test_words_without_a_key_are_free_text() -> None:
    assert [term.values for term in parse("web prod", fields=FIELDS)] == [("web",), ("prod",)]


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_no_condition(text: str) -> None:
    assert parse(text, fields=FIELDS) == ()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('name:"two words"', ("two words",)),
        ("name:a,b", ("a", "b")),
        ('name:"a,b"', ("a,b",)),
        ("state:RUNNING", ("running",)),
        ("cpu>50", (0.5,)),
        ("cpu>50%", (0.5,)),
        ("mem>1G", (1024.0,)),
        ("mem>512", (512.0,)),
        ("size>=2G", (2.0 * 1024**3,)),
        ("agent:yes", (True,)),
        ("agent:off", (False,)),
        ("vcpus=4", (4.0,)),
        ("created>2026-01-31", (datetime(2026, 1, 31, tzinfo=UTC),)),
    ],
)
def test_values_are_read_as_their_kind(text: str, values: tuple[object, ...]) -> None:
    assert one(text).values == values


def test_a_minus_negates() -> None:
    assert one("-state:running").negated
    assert one("-web").negated
    assert not one("we-b").negated


@pytest.mark.parametrize(
    ("text", "operator"),
    [("cpu:5", ":"), ("cpu=5", ":"), ("cpu>=5", ">="), ("cpu<=5", "<="), ("cpu<5", "<")],
)
def test_operators(text: str, operator: str) -> None:
    assert one(text).operator == Operator(operator)


def test_relative_moments_are_in_the_past() -> None:
    (moment,) = one("created>24h").values
    assert isinstance(moment, datetime)
    assert 23.9 < (datetime.now(UTC) - moment).total_seconds() / 3600 < 24.1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour:red", "agent, cpu, created, mem, name, size, state, vcpus"),
        ("state:flying", "running, stopped"),
        ("name>5", "name:value"),
        ("cpu>much", "cpu>10"),
        ("mem>big", "512M"),
        ("agent:maybe", "agent:yes"),
        ("created>soon", "created>24h"),
        ('name:"open', "quotes"),
        ("state:,", "state:value"),
        ("x" * 501, "Shorten"),
        ("na\0me", "Remove"),
        ("mem>" + "9" * 400, "512M"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(text: str, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(text, fields=FIELDS)
    assert refused.value.field == "filter"
    assert named in refused.value.remedy


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidRequest):
        parse(text, fields=FIELDS)
