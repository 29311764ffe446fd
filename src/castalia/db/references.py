"""Finds the one object of a host that a user's `name` or `host/name` stands for."""

from collections.abc import Sequence
from typing import TypeVar

from castalia.errors import Conflict, NotFound

T = TypeVar("T")


def split(ref: str) -> tuple[str, str]:
    """The host (empty if none was named) and the name."""
    host, _, name = ref.rpartition("/")
    return host, name


def only(found: Sequence[tuple[str, T]], *, noun: str, ref: str) -> T:
    """The one candidate; each comes with the `host/name` that would single it out.

    Raises NotFound (`noun.not-found`) without any, and Conflict (`noun.ambiguous`) listing several.
    """
    if not found:
        remedy = f"Look at the list; the {noun} may have been removed or renamed."
        raise NotFound(f"There is no {noun} {ref!r}.", code=f"{noun}.not-found", remedy=remedy)
    if len(found) > 1:
        candidates = ", ".join(sorted(full for full, _ in found))
        message = f"More than one {noun} is called {ref!r}: {candidates}."
        remedy = "Write host/name, or the id."
        raise Conflict(message, code=f"{noun}.ambiguous", remedy=remedy)
    return found[0][1]
