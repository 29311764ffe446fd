"""The search language of every list: `state:running -tag:old cpu>50 mem>=1G name:web* text`.

Words beside each other must all hold. `key:a,b` holds for either, `*` stands for anything, quotes
keep blanks together, a leading minus turns a word around, and a word without key is looked for in
whatever the list calls its text. What a key means is the list's business; here is only the grammar.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from castalia.errors import InvalidRequest
from castalia.model.amount import parse_bytes

MAX_LENGTH = 500
_TERM = re.compile(
    r"(?P<minus>-)?"
    r"(?:(?P<key>[A-Za-z_][\w-]*)(?P<operator><=|>=|[:=<>]))?"
    r'(?P<value>"[^"]*"|[^\s"]+)(?=\s|$)'
)
_RELATIVE = re.compile(r"(\d+)([mhdw])")
_RELATIVE_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


class Operator(StrEnum):
    """How a field is compared with the value; `:` and `=` mean the same."""

    MATCH = ":"
    BELOW = "<"
    ABOVE = ">"
    AT_MOST = "<="
    AT_LEAST = ">="


class Kind(StrEnum):
    """What values a field takes, and so how the written word is read."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    MIB = "mib"
    BYTES = "bytes"
    TIME = "time"
    FLAG = "flag"

    @property
    def ordered(self) -> bool:
        """Whether less and more make sense."""
        return self not in {Kind.TEXT, Kind.FLAG}


Value = str | float | bool | datetime


@dataclass(frozen=True, kw_only=True)
class Field:
    """A key of a list's search. `choices` are the only values that it takes; empty means any."""

    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Term:
    """One condition. An empty `key` means free text; `values` are alternatives, already read as the
    field's kind (percents as fractions, amounts in the kind's unit)."""

    key: str
    operator: Operator
    values: tuple[Value, ...]
    negated: bool = False


def parse(text: str, *, fields: Mapping[str, Field]) -> tuple[Term, ...]:
    """The conditions in `text`; none for an empty one.

    Raises InvalidRequest (field `filter`) for an unknown key, naming the known ones, a value that
    the key does not take, or a quote that is not closed.
    """
    if len(text) > MAX_LENGTH:
        raise _invalid(f"A search may have {MAX_LENGTH} characters.", "Shorten it.")
    if not text.replace("\t", " ").isprintable():
        raise _invalid("The search holds a character that cannot be read.", "Remove it.")
    terms, position = [], 0
    while rest := text[position:].lstrip():
        position = len(text) - len(rest)
        match = _TERM.match(rest)
        if match is None:
            raise _invalid(f"{rest[:40]!r} cannot be read.", "Close the quotes.")
        terms.append(_term(match, fields))
        position += match.end()
    return tuple(terms)


def _term(match: re.Match[str], fields: Mapping[str, Field]) -> Term:
    key, written = (match["key"] or "").lower(), match["value"]
    negated = match["minus"] is not None
    if not key:
        return Term(key="", operator=Operator.MATCH, values=(_plain(written),), negated=negated)
    if key not in fields:
        known = ", ".join(sorted(fields))
        raise _invalid(f"{key!r} is not a key of this search.", f"Use one of: {known}.")
    field = fields[key]
    operator = Operator(":" if match["operator"] == "=" else match["operator"])
    if operator is not Operator.MATCH and not field.kind.ordered:
        raise _invalid(f"{key!r} cannot be compared with {operator}.", f"Write {key}:value.")
    quoted = written.startswith('"')
    parts = [_plain(written)] if quoted else [part for part in written.split(",") if part]
    values = tuple(_value(key, field, part) for part in parts)
    if not values:
        raise _invalid(f"{key!r} has no value.", f"Write {key}:value.")
    return Term(key=key, operator=operator, values=values, negated=negated)


def _plain(written: str) -> str:
    return written[1:-1] if written.startswith('"') else written


def _value(key: str, field: Field, part: str) -> Value:
    if field.choices and part.lower() not in field.choices and "*" not in part:
        raise _invalid(f"{part!r} is no {key}.", f"Use one of: {', '.join(field.choices)}.")
    match field.kind:
        case Kind.TEXT:
            return part.lower() if field.choices else part
        case Kind.FLAG:
            return _flag(key, part)
        case Kind.TIME:
            return _moment(key, part)
        case Kind.MIB:
            return parse_bytes(part, field="filter", default_unit="m") / 1024**2
        case Kind.BYTES:
            return float(parse_bytes(part, field="filter"))
        case _:
            number = _number(key, part.removesuffix("%"))
            return number / 100 if field.kind is Kind.PERCENT else number


def _number(key: str, part: str) -> float:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", part):
        raise _invalid(f"{part!r} is not a number.", f"Write for example {key}>10.")
    return float(part)


def _flag(key: str, part: str) -> bool:
    if part.lower() not in _YES | _NO:
        raise _invalid(f"{part!r} is neither yes nor no.", f"Write {key}:yes or {key}:no.")
    return part.lower() in _YES


def _moment(key: str, part: str) -> datetime:
    if match := _RELATIVE.fullmatch(part):
        return datetime.now(UTC) - timedelta(
            **{_RELATIVE_UNITS[match[2]]: min(int(match[1]), 9999)}
        )
    try:
        moment = datetime.fromisoformat(part)
    except ValueError:
        remedy = f"Write {key}>2026-01-31 or {key}>24h (in the last 24 hours)."
        raise _invalid(f"{part!r} is not a moment.", remedy) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _invalid(message: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(message, field="filter", remedy=remedy)
