"""Job arguments: dataclasses on one side, JSON in the job's row on the other."""

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: object) -> Any:
    """The JSON form of a dataclass, or of a tuple of them."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], data: object) -> T:
    """The dataclass that `to_json` was given."""
    result: T = _adapter(kind).validate_python(data)
    return result
