"""Hosts: list, add, look at, edit, measure again, remove."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned, versioned
from castalia.api.bodies import HostValues, NewHost
from castalia.api.deps import Period, PlanOnly, Points, Ref, ServicesDep
from castalia.api.etag import ExpectedRevision
from castalia.api.idempotency import RepeatableRoute
from castalia.api.pagination import ByName, paged
from castalia.http.security import Admin, Operator, Viewer
from castalia.model.host import Host
from castalia.model.metric import Sample
from castalia.model.page import Page

router = APIRouter(prefix="/hosts", tags=["Hosts"], route_class=RepeatableRoute)
_HOST, _HOSTS, _SAMPLES = Shape(Host), Shape(Page[Host]), Shape(list[Sample])


@router.get("", operation_id="list_hosts", response_model=Page[Host])
def list_hosts(
    request: Request, page: ByName, services: ServicesDep, principal: Viewer
) -> Response:
    """Lists hosts."""
    return paged(services.hosts.list(page, principal=principal), _HOSTS, request)


@router.post("", operation_id="add_host", **CHANGES)
def add_host(
    host: Annotated[NewHost, Body(examples=[examples.NEW_HOST])],
    services: ServicesDep,
    principal: Admin,
    plan: PlanOnly,
) -> Response:
    """Takes a host into the pool; VMs that it has are found, and left as they are."""
    if plan:
        return planned(services.hosts.plan_add(host, principal=principal))
    return accepted(services.hosts.add(host, principal=principal))


@router.get("/{ref}", operation_id="get_host", response_model=Host)
def get_host(request: Request, ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Shows a host."""
    return versioned(services.hosts.get(ref, principal=principal), _HOST, request)


@router.patch("/{ref}", operation_id="edit_host", response_model=Host)
def edit_host(
    request: Request,
    ref: Ref,
    values: Annotated[HostValues, Body(examples=[examples.HOST_EDIT])],
    services: ServicesDep,
    principal: Admin,
    revision: ExpectedRevision,
) -> Response:
    """Changes what the manager notes about a host."""
    host = services.hosts.edit(ref, values, expected_revision=revision, principal=principal)
    return versioned(host, _HOST, request)


@router.delete("/{ref}", operation_id="remove_host", **CHANGES)
def remove_host(ref: Ref, services: ServicesDep, principal: Admin, plan: PlanOnly) -> Response:
    """Forgets a host. Its VMs run on and nothing on it is changed."""
    if plan:
        return planned(services.hosts.plan_remove(ref, principal=principal))
    return accepted(services.hosts.remove(ref, principal=principal))


@router.post("/{ref}/probe", operation_id="probe_host", **CHANGES)
def probe_host(ref: Ref, services: ServicesDep, principal: Admin, plan: PlanOnly) -> Response:
    """Measures again whether the host's hardware virtualization is of use."""
    if plan:
        return planned(services.hosts.plan_probe(ref, principal=principal))
    return accepted(services.hosts.probe(ref, principal=principal))


@router.post("/{ref}/reconnect", operation_id="reconnect_host", response_model=Host)
def reconnect_host(
    request: Request, ref: Ref, services: ServicesDep, principal: Operator
) -> Response:
    """Tries at once to reach a host that is away."""
    return versioned(services.hosts.reconnect(ref, principal=principal), _HOST, request)


@router.get("/{ref}/metrics", operation_id="get_host_metrics", response_model=list[Sample])
def get_host_metrics(
    ref: Ref, period: Period, services: ServicesDep, principal: Viewer, points: Points = 300
) -> Response:
    """Shows how busy the host was."""
    host = services.hosts.get(ref, principal=principal)
    since, until = period
    return _SAMPLES(
        services.metrics.query(
            f"host:{host.id}", since=since, until=until, points=points, principal=principal
        )
    )
