"""Networks of hosts, and the addresses that they gave out."""

from dataclasses import fields
from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned, versioned
from castalia.api.bodies import NewNetwork
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.http.security import Admin, Viewer
from castalia.model.network import Lease, Network, NetworkSpec
from castalia.model.page import Page

router = APIRouter(prefix="/networks", tags=["Networks"], route_class=RepeatableRoute)
_NETWORK, _NETWORKS, _LEASES = Shape(Network), Shape(Page[Network]), Shape(list[Lease])


@router.get("", operation_id="list_networks", response_model=Page[Network])
def list_networks(
    request: Request, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists the networks of all hosts."""
    return paged(services.networks.list(page, principal=principal), _NETWORKS, request)


@router.post("", operation_id="add_network", **CHANGES)
def add_network(
    network: Annotated[NewNetwork, Body(examples=[examples.NEW_NETWORK])],
    services: ServicesDep,
    principal: Admin,
    plan: PlanOnly,
) -> Response:
    """Makes a network on a host."""
    spec = NetworkSpec(**{item.name: getattr(network, item.name) for item in fields(NetworkSpec)})
    if plan:
        return planned(services.networks.plan_add(network.host, spec, principal=principal))
    return accepted(services.networks.add(network.host, spec, principal=principal))


@router.get("/{ref}", operation_id="get_network", response_model=Network)
def get_network(request: Request, ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a network."""
    return versioned(services.networks.get(ref, principal=principal), _NETWORK, request)


@router.delete("/{ref}", operation_id="remove_network", **CHANGES)
def remove_network(ref: Ref, services: ServicesDep, principal: Admin, plan: PlanOnly) -> Response:
    """Removes a network that nothing is plugged into."""
    if plan:
        return planned(services.networks.plan_remove(ref, principal=principal))
    return accepted(services.networks.remove(ref, principal=principal))


@router.get("/{ref}/leases", operation_id="list_leases", response_model=list[Lease])
def list_leases(ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Asks the host which addresses the network's DHCP server gave out."""
    return _LEASES(services.networks.leases(ref, principal=principal))
