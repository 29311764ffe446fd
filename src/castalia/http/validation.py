"""Says in plain words what Pydantic found wrong with a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_REMEDIES = {
    "missing": "Add this field.",
    "extra_forbidden": "Leave it out, or correct its name; /api/v1/openapi.json lists the fields.",
    "json_invalid": "Send valid JSON, with the header Content-Type: application/json.",
    "string_too_short": "Write something here.",
    "model_attributes_type": "Send a JSON object, with the header Content-Type: application/json.",
    "dataclass_type": "Send a JSON object here.",
}
_MESSAGES = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "json_invalid": "The body is not valid JSON.",
}


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One thing that is wrong with one field; `field` is its dotted path in the request."""

    field: str
    message: str
    code: str
    remedy: str = ""


def field_errors(found: Sequence[Any]) -> tuple[FieldError, ...]:
    """One entry for each of Pydantic's error details, without the values that were sent: they may
    be secret."""
    return tuple(_field_error(item) for item in found)


def _field_error(item: dict[str, Any]) -> FieldError:
    code = str(item["type"])
    return FieldError(
        field=_path(item["loc"], code=code),
        message=_MESSAGES.get(code) or f"{item['msg'].rstrip('.')}.",
        code=code,
        remedy=_REMEDIES.get(code) or _expected(item.get("ctx", {})),
    )


def _path(location: Sequence[str | int], *, code: str) -> str:
    """The first part says body, query, path or header and is left out; a syntax error's second is a
    byte's position."""
    if code == "json_invalid":
        return "body"
    return ".".join(str(part) for part in location[1:]) or "body"


def _expected(context: dict[str, Any]) -> str:
    if expected := context.get("expected"):
        return f"Use {expected}."
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    said = [f"{word} {context[key]}" for key, word in bounds.items() if key in context]
    return f"Use a value of {' and '.join(said)}." if said else ""
