"""Keeps one world for several tests, as long as each leaves it as it was."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from tests.workflows.slate import Slate, slate, without_copies
from tests.workflows.world import World


class Keeper:
    """One for each class of tests."""

    def __init__(self, running: Callable[[], AbstractContextManager[World]]) -> None:
        self._running = running
        self._ends = ExitStack()
        self._world: World | None = None
        self._before: Slate = {}

    def world(self, prepare: Callable[[World], None]) -> World:
        """The kept world, or a new one with host `h1`, prepared."""
        if self._world is None:
            self._world = self._ends.enter_context(self._running())
            self._world.add_host()
            prepare(self._world)
            self._before = without_copies(slate(self._world))
        return self._world

    def look_after(self) -> None:
        """Lets the world go if a test has changed it."""
        if self._world is not None:
            self._world.faults.clear()
            if without_copies(slate(self._world)) != self._before:
                self.let_go()

    def let_go(self) -> None:
        """Ends the world."""
        self._world = None
        self._ends.close()
