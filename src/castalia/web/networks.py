"""Networks: the list, and one with the addresses it gave out."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.errors import CastaliaError
from castalia.model.network import Lease
from castalia.web import command
from castalia.web.changes_network import CHANGES
from castalia.web.visit import ViewerVisit

router = APIRouter(include_in_schema=False)


@router.get("/networks")
def networks_page(visit: ViewerVisit) -> Response:
    """All networks of all hosts."""
    asked = visit.wanted()
    return visit.show(
        "networks/list.html",
        page=visit.services.networks.list(asked, principal=visit.principal),
        sort=asked.sort,
        filter=asked.filter,
        add=CHANGES["add"],
        command=command.listing("network", "/networks", filter=asked.filter),
    )


@router.get("/networks/{ref}")
def network_page(visit: ViewerVisit, ref: str) -> Response:
    """A network's addresses; a host that does not answer is said to be so."""
    network = visit.services.networks.get(ref, principal=visit.principal)
    leases: list[Lease] = []
    error = None
    try:
        leases = list(visit.services.networks.leases(ref, principal=visit.principal))
    except CastaliaError as caught:
        error = caught
    name = network.facts.name
    return visit.show(
        "networks/network.html",
        network=network,
        leases=leases,
        error=error,
        changes=CHANGES,
        command=command.Command(words=["network", "leases", name], path=f"/networks/{ref}/leases"),
    )
