"""What ends a handler from outside.

These are no errors and no `Exception`: a handler's `except Exception` must not swallow them.
Handlers let them pass; the engine knows what to do with each.
"""


class JobSignal(BaseException):
    """The handler has to leave now."""


class JobCancelled(JobSignal):
    """A user asked for the end: the job is undone and ends as cancelled."""


class ShuttingDown(JobSignal):
    """The manager stops: the job keeps what it has done and goes on after the next start."""


class LeaseLost(JobSignal):
    """Another manager owns the job now, or the database is out of reach: touch nothing more."""


class Unwinding(JobSignal):
    """A repeat made only to collect the undos has reached the point where the job had stopped."""
