"""Who may have a job run again, or stop it."""

import pytest

from castalia.model.access import Role
from castalia.model.clock import now
from castalia.model.job import Job, JobState
from castalia.services.jobs import role_for
from castalia.workflows.catalog import WORKFLOWS

OF_OPERATORS = {
    *("vm_create", "vm_clone", "vm_delete", "vm_devices", "vm_edit", "vm_power"),
    *("volume_create", "volume_delete", "volume_import", "volume_resize"),
    *("template_build", "template_import", "template_remove"),
}


def job(kind: str, **args: object) -> Job:
    return Job(
        id="j", kind=kind, title=kind, state=JobState.FAILED, args=dict(args), created_at=now()
    )


@pytest.mark.parametrize("kind", sorted(WORKFLOWS))
def test_a_job_takes_the_role_that_asking_for_it_takes(kind: str) -> None:
    expected = Role.OPERATOR if kind in OF_OPERATORS else Role.ADMIN
    assert role_for(job(kind)) is expected


def test_a_file_of_the_managers_machine_is_the_administrators() -> None:
    assert role_for(job("template_import", source={"path": "/etc/shadow"})) is Role.ADMIN
    assert role_for(job("template_import", source={"path": "", "url": "u"})) is Role.OPERATOR
