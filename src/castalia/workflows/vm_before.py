"""The VM that a job works on, as it was when the job began.

A job that was interrupted runs again from its first line. What it reads then is what it has made of
the VM meanwhile, or that the VM is gone; what it does, and how to undo it, must follow from what
was there before.
"""

from dataclasses import dataclass
from typing import Any

from castalia.db import vms as vm_store
from castalia.hypervisor.driver import HypervisorDriver
from castalia.jobs.context import JobContext
from castalia.model.vm import Vm
from castalia.workflows.arguments import from_json, to_json
from castalia.workflows.parts import Parts


@dataclass(frozen=True, kw_only=True)
class VmBefore:
    """The VM in the database; `active` says whether it ran on its host, `xml` what it would boot
    with."""

    vm: Vm
    active: bool
    xml: str


def look(context: JobContext, parts: Parts) -> VmBefore:
    """The VM `args["vm"]`. Always the first step of its job."""
    return from_json(VmBefore, context.step("look", lambda: _look(context, parts)))


def _look(context: JobContext, parts: Parts) -> Any:
    with parts.database.read() as connection:
        vm = vm_store.get(connection, context.args["vm"])
    driver = parts.links.hypervisor(vm.host_id)
    active = driver.vm(vm.uuid).state.active
    return to_json(VmBefore(vm=vm, active=active, xml=driver.xml(vm.uuid)))


def driver_of(parts: Parts, vm: Vm) -> HypervisorDriver:
    """The driver of the VM's host. Ask for it within steps and undos only: outside, a host that is
    away would keep an interrupted job from learning its undos."""
    return parts.links.hypervisor(vm.host_id)
