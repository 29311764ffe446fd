"""Castalia's note in a VM's definition."""

from dataclasses import replace
from datetime import datetime

from castalia.model.vm import Ownership
from castalia.model.vm_plan import PlannedVm


def owned(vm: PlannedVm, *, job_id: str, created_at: datetime) -> Ownership:
    """The note of a VM that Castalia makes."""
    return Ownership(
        template=vm.template,
        size=vm.size,
        tags=vm.tags,
        created_at=created_at.isoformat(),
        job_id=job_id,
    )


def tagged(note: Ownership | None, tags: tuple[str, ...]) -> Ownership:
    """The note with other tags. A found VM gets one without a creation time, by which it stays a
    found one."""
    return replace(note or Ownership(), tags=tags)
