"""Turns the conditions of a search into SQL, by the map of fields that each list has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    String,
    and_,
    func,
    literal,
    not_,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from castalia.model.filters import Field, Kind, Operator, Term, Value, parse

Clause = ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Search(Field):
    """A key of a list's search and how a value of it is looked for: in `column`, or as `clause`
    says."""

    column: ColumnElement[Any] | None = None
    clause: Callable[[str], Clause] | None = None


@dataclass(frozen=True, kw_only=True)
class Searchable:
    """All keys of a list's search, and where free text is looked for."""

    fields: Mapping[str, Search]
    text: tuple[ColumnElement[Any], ...] = field(default=())

    def where(self, written: str) -> Clause | None:
        """The condition that `written` stands for; None if it says nothing.

        Raises InvalidRequest, as `castalia.model.filters.parse` does.
        """
        terms = parse(written, fields=self.fields)
        return and_(*map(self._term, terms)) if terms else None

    def _term(self, term: Term) -> Clause:
        alternatives = self._alternatives(term)
        wanted = or_(*alternatives)
        return not_(func.coalesce(wanted, False)) if term.negated else wanted

    def _alternatives(self, term: Term) -> list[Clause]:
        if not term.key:
            return [contains(column, str(term.values[0])) for column in self.text] or [true()]
        search = self.fields[term.key]
        if search.clause is not None:
            return [search.clause(str(value)) for value in term.values]
        assert search.column is not None  # noqa: S101 -- each Search has one of the two
        return [_compare(search, term.operator, value) for value in term.values]


def _compare(search: Search, operator: Operator, value: Value) -> Clause:
    column: ColumnElement[Any] = search.column  # type: ignore[assignment]  # the caller has looked
    if search.kind is Kind.TEXT:
        return matches(column, str(value))
    clauses: dict[Operator, Callable[[Any], Clause]] = {
        Operator.MATCH: column.__eq__,
        Operator.BELOW: column.__lt__,
        Operator.ABOVE: column.__gt__,
        Operator.AT_MOST: column.__le__,
        Operator.AT_LEAST: column.__ge__,
    }
    return clauses[operator](value)


class _Like(FunctionElement[bool]):
    """LIKE whatever the case. SQLAlchemy's own ilike folds both sides on SQLite, whose LIKE does
    not need that; it tripled the time of a search."""

    type = Boolean()
    inherit_cache = True


@compiles(_Like)
def _like_elsewhere(element: _Like, compiler: Any, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} ILIKE {pattern} ESCAPE '!')"


@compiles(_Like, "sqlite")
def _like_in_sqlite(element: _Like, compiler: Any, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} LIKE {pattern} ESCAPE '!')"


def matches(column: ColumnElement[Any], pattern: str) -> Clause:
    """Whether a text is `pattern`, in which `*` stands for anything; with `*`, case is ignored."""
    text = type_coerce(column, String)
    return _like(text, _pattern(pattern)) if "*" in pattern else text == pattern


def contains(column: ColumnElement[Any], part: str) -> Clause:
    """Whether a text has `part` somewhere in it, whatever the case; `*` stands for anything."""
    return _like(type_coerce(column, String), f"%{_pattern(part)}%")


def tagged(column: ColumnElement[Any], tag: str) -> Clause:
    """Whether a column of tags holds `tag`, whatever the case; `*` stands for anything."""
    return _like(type_coerce(column, String), f"%\n{_pattern(tag)}\n%")


def tag_search(column: ColumnElement[Any]) -> Search:
    """The key `tag` of a list."""
    return Search(clause=partial(tagged, column))


def _like(text: ColumnElement[Any], pattern: str) -> Clause:
    return _Like(text, literal(pattern, String))


def _pattern(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return text.replace("*", "%")
