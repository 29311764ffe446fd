"""Hosts: the list and the page of one."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.page import PageRequest
from castalia.web import command
from castalia.web.changes_host import CHANGES
from castalia.web.visit import ViewerVisit, Visit
from castalia.web.vms import sparks

router = APIRouter(include_in_schema=False)
_TABS = {"", "vms", "charts", "events"}


@router.get("/hosts")
def hosts_page(visit: ViewerVisit) -> Response:
    """All hosts with their load and what they lack."""
    asked = visit.wanted()
    page = visit.services.hosts.list(asked, principal=visit.principal)
    subjects = [f"host:{host.id}" for host in page.items]
    return visit.show(
        "hosts/list.html",
        page=page,
        sort=asked.sort,
        filter=asked.filter,
        sparks=visit.services.metrics.sparks(subjects, principal=visit.principal),
        add=CHANGES["add"],
        command=command.listing("host", "/hosts", filter=asked.filter, sort=asked.sort),
    )


@router.get("/hosts/{ref}")
def host_page(visit: ViewerVisit, ref: str) -> Response:
    """What the host is and can do, and what it lacks."""
    return _show(visit, ref, "")


@router.get("/hosts/{ref}/charts")
def host_charts(visit: ViewerVisit, ref: str) -> Response:
    """Load over time."""
    return _show(visit, ref, "charts")


@router.get("/hosts/{ref}/vms")
def host_vms(visit: ViewerVisit, ref: str) -> Response:
    """The VMs on the host."""
    return _show(visit, ref, "vms")


@router.get("/hosts/{ref}/events")
def host_events(visit: ViewerVisit, ref: str) -> Response:
    """What happened to the host."""
    return _show(visit, ref, "events")


def _show(visit: Visit, ref: str, tab: str) -> Response:
    services, who = visit.services, visit.principal
    host = services.hosts.get(ref, principal=who)
    subject = f"host:{host.id}"
    vms = services.vms.list(PageRequest(limit=100, filter=f"host:{host.name}"), principal=who)
    events = PageRequest(limit=40, sort="-at", filter=f"host:{host.name}")
    changes = [change for change in CHANGES.values() if change.verb != "add"]
    return visit.show(
        f"hosts/{tab or 'summary'}.html",
        host=host,
        tab=tab,
        vms=vms,
        sparks=sparks(visit, vms.items),
        events=services.events.list(events, principal=who).items if tab == "events" else (),
        attention=services.overview.attention(subject, principal=who),
        actions=[c for c in changes if c.offered(host) and who.role.allows(c.role)],
        command=command.Command(words=["host", "show", host.name], path=f"/hosts/{host.id}"),
    )
