"""What other threads tell a running handler."""

import threading


class RunFlags:
    """Three one-way flags, and a way to sleep until one of them is raised."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.cancelled = False
        self.stopping = False
        self.lost = False

    def cancel(self) -> None:
        """A user wants the job to end."""
        with self._condition:
            self.cancelled = True
            self._condition.notify_all()

    def stop(self) -> None:
        """The manager shuts down."""
        with self._condition:
            self.stopping = True
            self._condition.notify_all()

    def lose(self) -> None:
        """The lease is gone."""
        with self._condition:
            self.lost = True
            self._condition.notify_all()

    def pause(self, seconds: float, *, through_cancel: bool) -> None:
        """Sleeps, but not past a flag; `through_cancel` sleeps on when only a cancel was asked."""
        with self._condition:
            self._condition.wait_for(
                lambda: self.stopping or self.lost or (self.cancelled and not through_cancel),
                timeout=seconds,
            )
