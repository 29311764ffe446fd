"""Reads YAML from users: bounded in size, depth and number of parts, and without aliases.

Nothing is constructed before the document was walked event by event, so a document whose aliases
would unfold into gigabytes never gets that far.
"""

from typing import Any

import yaml

from castalia.errors import InvalidRequest

_MAX_DEPTH = 40
_MAX_EVENTS = 50_000


def parse_yaml(text: str, *, field: str) -> Any:
    """The document in `text`; raises InvalidRequest naming `field` and the line at fault."""
    try:
        _walk(text, field)
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as exc:
        raise _unreadable(field, exc) from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise InvalidRequest(
            "This is not YAML: it holds a value or a character that cannot be read.",
            field=field,
            remedy="Look for control characters, impossible dates and very long numbers.",
            detail=str(exc),
        ) from exc


def _walk(text: str, field: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise _alias(field, event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH or count > _MAX_EVENTS:
            remedy = f"At most {_MAX_DEPTH} levels and {_MAX_EVENTS} parts are read."
            raise InvalidRequest("This YAML is too large.", field=field, remedy=remedy)


def _alias(field: str, mark: Any) -> InvalidRequest:
    return InvalidRequest(
        f"Line {mark.line + 1}: aliases (*name) are not allowed.",
        field=field,
        remedy="Write out what the alias stands for.",
    )


def _unreadable(field: str, error: yaml.MarkedYAMLError) -> InvalidRequest:
    mark = error.problem_mark or error.context_mark
    where = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return InvalidRequest(
        f"{where}this is not YAML: {error.problem or 'it cannot be read'}.",
        field=field,
        remedy="Correct that line; indentation must be spaces, and text with a colon quoted.",
    )
