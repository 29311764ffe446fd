"""What takes back a job that succeeded, where something can."""

from dataclasses import dataclass

from castalia.model.job import Job, JobState
from castalia.model.vm import PowerAction

_COUNTER_ACTIONS: dict[str, PowerAction] = {
    PowerAction.START: PowerAction.SHUTDOWN,
    PowerAction.SHUTDOWN: PowerAction.START,
    PowerAction.STOP: PowerAction.START,
    PowerAction.PAUSE: PowerAction.RESUME,
    PowerAction.RESUME: PowerAction.PAUSE,
    PowerAction.SUSPEND: PowerAction.START,
}
_MADE_VM = {"vm_create", "vm_clone"}


@dataclass(frozen=True, kw_only=True)
class Undo:
    """The button that takes something back, and the dialog behind it."""

    label: str
    address: str


def undo_of(job: Job) -> Undo | None:
    """How to take `job` back; None while it runs and for what is final."""
    noun, _, ref = job.target.partition(":")
    if job.state is not JobState.SUCCEEDED or noun != "vm" or not ref:
        return None
    if job.kind in _MADE_VM:
        return Undo(label="Delete it again", address=f"/do/vm/delete?ref={ref}")
    action = job.args.get("action", "") if job.kind == "vm_power" else ""
    counter = _COUNTER_ACTIONS.get(action)
    return Undo(label="Undo", address=f"/do/vm/{counter}?ref={ref}") if counter else None
