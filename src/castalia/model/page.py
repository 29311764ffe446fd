"""Lists that are read page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """Which part of a list is wanted. `filter` is the search language (`state:running web cpu>50`);
    `sort` is a
    field, with a leading minus for descending; `cursor` is the `next_cursor` of the page before."""

    limit: int = 100
    cursor: str = ""
    sort: str = "name"
    filter: str = ""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list, the cursor to go on with (empty at the end), and how many match in all."""

    items: Sequence[T]
    next_cursor: str = ""
    total: int = 0
