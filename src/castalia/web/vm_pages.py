"""The page of one VM, a tab per view; each tab has an address of its own."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from castalia.errors import CastaliaError
from castalia.model.page import PageRequest
from castalia.model.vm import Vm
from castalia.web.changes_vm import CHANGES, offered
from castalia.web.command import Command
from castalia.web.visit import ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
_RECENT = 30


def _show(visit: Visit, vm: Vm, tab: str, **context: Any) -> Response:
    commands = {
        "xml": Command(words=["vm", "xml", vm.name], path=f"/vms/{vm.id}/xml"),
        "console": Command(
            words=["vm", "console", vm.name],
            path=f"/vms/{vm.id}/tickets",
            method="POST",
            body={"kind": "serial"},
        ),
    }
    default = Command(words=["vm", "show", vm.name], path=f"/vms/{vm.id}")
    return visit.show(
        f"vms/{tab}.html",
        vm=vm,
        tab="" if tab == "summary" else tab,
        actions=offered(vm, visit.principal.role),
        changes=visit.allowed(CHANGES),
        command=commands.get(tab, default),
        **context,
    )


def _vm(visit: Visit, ref: str) -> Vm:
    return visit.services.vms.get(ref, principal=visit.principal)


@router.get("/vms/{ref}")
def vm_page(visit: ViewerVisit, ref: str) -> Response:
    """What the VM is, how it does, what it did lately."""
    vm = _vm(visit, ref)
    subject = f"vm:{vm.id}"
    jobs = PageRequest(limit=5, sort="-created", filter=f"target:{subject}")
    events = PageRequest(limit=8, sort="-at", filter=f"subject:{subject}")
    return _show(
        visit,
        vm,
        "summary",
        attention=visit.services.overview.attention(subject, principal=visit.principal),
        sparks=visit.services.metrics.sparks([subject], principal=visit.principal),
        jobs=visit.services.jobs.list(jobs, principal=visit.principal).items,
        events=visit.services.events.list(events, principal=visit.principal).items,
    )


@router.get("/vms/{ref}/head")
def vm_head(visit: ViewerVisit, ref: str) -> Response:
    """The head of the page, as it changes."""
    vm = _vm(visit, ref)
    return visit.part(
        "vms/head.html", vm=vm, actions=offered(vm, visit.principal.role), changes=CHANGES
    )


@router.get("/vms/{ref}/console")
def vm_console(visit: ViewerVisit, ref: str) -> Response:
    """Screen and serial console, in place."""
    return _show(visit, _vm(visit, ref), "console")


@router.get("/vms/{ref}/charts")
def vm_charts(visit: ViewerVisit, ref: str) -> Response:
    """CPU, memory, disk and network over time."""
    return _show(visit, _vm(visit, ref), "charts")


@router.get("/vms/{ref}/disks")
def vm_disks(visit: ViewerVisit, ref: str) -> Response:
    """Disks with their volumes and what these really take."""
    vm = _vm(visit, ref)
    volumes = visit.services.vms.volumes(vm.id, principal=visit.principal)
    return _show(visit, vm, "disks", volumes=volumes)


@router.get("/vms/{ref}/network")
def vm_network(visit: ViewerVisit, ref: str) -> Response:
    """Network cards and addresses."""
    return _show(visit, _vm(visit, ref), "network")


@router.get("/vms/{ref}/jobs")
def vm_jobs(visit: ViewerVisit, ref: str) -> Response:
    """What was done with the VM and what happened to it."""
    vm = _vm(visit, ref)
    jobs = PageRequest(limit=_RECENT, sort="-created", filter=f"target:vm:{vm.id}")
    events = PageRequest(limit=_RECENT, sort="-at", filter=f"subject:vm:{vm.id}")
    return _show(
        visit,
        vm,
        "jobs",
        jobs=visit.services.jobs.list(jobs, principal=visit.principal).items,
        events=visit.services.events.list(events, principal=visit.principal).items,
    )


@router.get("/vms/{ref}/xml")
def vm_xml(visit: ViewerVisit, ref: str, live: bool = False) -> Response:  # noqa: FBT001, FBT002 -- a query parameter
    """The definition as the host has it; a host that does not answer is said to be so."""
    vm = _vm(visit, ref)
    try:
        xml, error = visit.services.vms.xml(ref, live=live, principal=visit.principal), None
    except CastaliaError as caught:
        xml, error = "", caught
    return _show(visit, vm, "xml", xml=xml, live=live, error=error)


@router.get("/vms/{ref}/screenshot")
def vm_screenshot(visit: ViewerVisit, ref: str) -> Response:
    """A small picture of the screen; nothing when there is none to be had."""
    try:
        picture, media = visit.services.vms.screenshot(ref, principal=visit.principal)
    except CastaliaError:
        return Response(status_code=204)
    return Response(picture, media_type=media)
