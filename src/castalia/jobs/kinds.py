"""The kinds of job that this manager knows how to run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castalia.jobs.context import JobContext

Handler = Callable[["JobContext"], dict[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of job. A new `version` is due when steps change their meaning: jobs that began under
    the old one are finished by the old handler, which stays registered beside the new one."""

    name: str
    version: int
    handler: Handler
    retries: int


class Kinds:
    """Handlers by kind and version."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, int], Kind] = {}

    def add(self, kind: Kind) -> None:
        """Raises ValueError when this kind and version is there already."""
        key = (kind.name, kind.version)
        if key in self._kinds:
            raise ValueError(f"job kind {kind.name} version {kind.version} is registered twice")
        self._kinds[key] = kind

    def get(self, name: str, version: int) -> Kind:
        """Raises KeyError when it is unknown here."""
        return self._kinds[(name, version)]

    def newest(self, name: str) -> int:
        """The version that new jobs get. Raises ValueError for an unknown kind: a mistake in the
        program, not the caller's."""
        versions = [version for kind, version in self._kinds if kind == name]
        if not versions:
            raise ValueError(f"job kind {name} is not registered")
        return max(versions)

    def known(self) -> list[tuple[str, int]]:
        """Every kind and version."""
        return list(self._kinds)
