"""Faults for the in-memory driver: a lost host, a call that fails, and the list of calls made."""

import functools
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from castalia.errors import CastaliaError, HostUnreachable

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Faults:
    """What goes wrong, by method. `calls` are the methods that were called, in order."""

    calls: list[str] = field(default_factory=list)
    unreachable: str = ""
    _waiting: dict[str, deque[CastaliaError | Callable[[], None]]] = field(
        default_factory=lambda: defaultdict(deque)
    )

    def fail(self, method: str, error: CastaliaError, *, times: int = 1) -> None:
        """Has the next `times` calls of `method` raise `error` before they do anything."""
        self._waiting[method].extend([error] * times)

    def interject(self, method: str, action: Callable[[], None]) -> None:
        """Has `action` called at the next call of `method`, which then goes on: another actor who
        is quicker."""
        self._waiting[method].append(action)

    def enter(self, method: str) -> None:
        """A method begins: notes it, and raises what was planned for it."""
        self.calls.append(method)
        if not self._waiting[method]:
            return
        planned = self._waiting[method].popleft()
        if isinstance(planned, CastaliaError):
            raise planned
        planned()


class Faulty(Protocol):
    """Whatever has faults and can be away."""

    faults: Faults

    @property
    def connected(self) -> bool: ...


F = TypeVar("F", bound=Faulty)


def answered(method: Callable[Concatenate[F, P], R]) -> Callable[Concatenate[F, P], R]:
    """A driver's method that fails fast while the host is away, and as planned."""

    def call(self: F, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not self.connected:
            raise away(self.faults)
        self.faults.enter(method.__name__)
        return method(self, *args, **kwargs)

    return functools.update_wrapper(call, method)


def away(faults: Faults) -> HostUnreachable:
    """The error of a host that is not there."""
    reason = faults.unreachable or "not connected yet"
    return HostUnreachable(f"There is no connection to the host: {reason}.", remedy="Try later.")
