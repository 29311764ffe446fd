"""All workflows, by the kind that stands in a job's row."""

from collections.abc import Callable
from typing import Any

from castalia.jobs.context import JobContext
from castalia.workflows.host_add import host_add
from castalia.workflows.host_remove import host_probe, host_remove
from castalia.workflows.image_import import template_import, volume_import
from castalia.workflows.network_change import network_add, network_remove
from castalia.workflows.parts import Parts
from castalia.workflows.repository_change import repository_add, repository_remove
from castalia.workflows.template_build import template_build
from castalia.workflows.template_remove import template_remove
from castalia.workflows.vm_clone import vm_clone
from castalia.workflows.vm_create import vm_create
from castalia.workflows.vm_delete import vm_delete
from castalia.workflows.vm_devices import vm_devices
from castalia.workflows.vm_edit import vm_edit
from castalia.workflows.vm_power import vm_power
from castalia.workflows.volume_change import volume_create, volume_delete, volume_resize

Workflow = Callable[[JobContext, Parts], dict[str, Any] | None]

WORKFLOWS: dict[str, Workflow] = {
    workflow.__name__: workflow
    for workflow in (
        host_add,
        host_probe,
        host_remove,
        network_add,
        network_remove,
        repository_add,
        repository_remove,
        template_build,
        template_import,
        template_remove,
        vm_clone,
        vm_create,
        vm_delete,
        vm_devices,
        vm_edit,
        vm_power,
        volume_create,
        volume_delete,
        volume_import,
        volume_resize,
    )
}
