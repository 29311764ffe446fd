"""The list of VMs: the page, its rows as they change, and the menu of a row."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.vm import Vm
from castalia.web import command, vm_columns
from castalia.web.changes_vm import CHANGES, offered
from castalia.web.visit import ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
MAX_ROWS = 200
_BULK = ("start", "shutdown", "reboot", "suspend", "stop", "delete")


@router.get("/vms")
def vms_page(visit: ViewerVisit) -> Response:
    """The list, filtered and sorted as its address says."""
    asked = visit.wanted()
    page = visit.services.vms.list(asked, principal=visit.principal)
    return visit.show(
        "vms/list.html",
        page=page,
        sort=asked.sort,
        filter=asked.filter,
        states=visit.services.vms.facets(principal=visit.principal),
        sparks=sparks(visit, page.items),
        columns=vm_columns.COLUMNS,
        shown=vm_columns.chosen(visit.request.cookies.get(vm_columns.COOKIE, "")),
        bulk=[CHANGES[verb] for verb in _BULK if visit.principal.role.allows(CHANGES[verb].role)],
        command=command.listing("vm", "/vms", filter=asked.filter, sort=asked.sort),
    )


@router.get("/vms/rows")
def vm_rows(visit: ViewerVisit, ids: str) -> Response:
    """The rows of some VMs as they are now; one that is gone is left out."""
    found = visit.services.vms.many(ids.split(",")[:MAX_ROWS], principal=visit.principal)
    return visit.part(
        "vms/rows.html",
        vms=found,
        sparks=sparks(visit, found),
        shown=vm_columns.chosen(visit.request.cookies.get(vm_columns.COOKIE, "")),
    )


@router.get("/vms/{ref}/menu")
def vm_menu(visit: ViewerVisit, ref: str) -> Response:
    """What can be done with a VM now, for the menu of its row."""
    vm = visit.services.vms.get(ref, principal=visit.principal)
    return visit.part("vms/menu.html", vm=vm, actions=offered(vm, visit.principal.role))


def sparks(visit: Visit, vms: Sequence[Vm]) -> Mapping[str, Sequence[float | None]]:
    """Recent CPU use of the VMs that run, by id."""
    running = [f"vm:{vm.id}" for vm in vms if vm.state.active]
    if not running:
        return {}
    return visit.services.metrics.sparks(running, principal=visit.principal)
