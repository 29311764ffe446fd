"""The power buttons of VMs, one at a time or many at once."""

from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Body
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import CHANGES, Shape, accepted, planned
from castalia.api.bodies import BulkAction, Power
from castalia.api.bulk import BulkAnswer, for_each
from castalia.api.deps import PlanOnly, Ref, ServicesDep
from castalia.api.idempotency import RepeatableRoute
from castalia.http.security import Operator
from castalia.model.vm import PowerAction

router = APIRouter(prefix="/vms", tags=["VMs"], route_class=RepeatableRoute)
_BULK = Shape(BulkAnswer)
_SAYS = {
    PowerAction.START: "Starts a VM; a suspended one goes on where it was.",
    PowerAction.SHUTDOWN: "Asks the guest to shut down, and waits for it.",
    PowerAction.STOP: "Cuts a VM's power.",
    PowerAction.REBOOT: "Asks the guest to reboot.",
    PowerAction.RESET: "Presses a VM's reset button.",
    PowerAction.PAUSE: "Stops a VM's CPUs; its memory stays.",
    PowerAction.RESUME: "Lets a paused VM run on.",
    PowerAction.SUSPEND: "Saves a VM's memory to disk and stops it.",
    PowerAction.DISCARD: "Throws a suspended VM's saved memory away.",
}


@router.post("/actions", operation_id="act_on_vms", response_model=BulkAnswer)
def act_on_vms(
    bulk: Annotated[BulkAction, Body(examples=[examples.BULK])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Does the same with many VMs.

    Each gets a job of its own; a VM that refuses does not keep the others from it.
    """

    def act(ref: str) -> Any:
        return services.vm_power.power(
            ref, bulk.action, timeout_s=bulk.timeout_s, force=bulk.force, principal=principal
        )

    return _BULK(for_each(bulk.refs, act))


class _Patience(TypedDict):
    timeout_s: float
    force: bool


def _add(action: PowerAction) -> None:
    def act(
        ref: Ref,
        services: ServicesDep,
        principal: Operator,
        plan: PlanOnly,
        power: Annotated[Power, Body(examples=[examples.POWER])] = _DEFAULT,
    ) -> Response:
        patience = _Patience(timeout_s=power.timeout_s, force=power.force)
        if plan:
            return planned(services.vm_power.plan(ref, action, **patience, principal=principal))
        return accepted(services.vm_power.power(ref, action, **patience, principal=principal))

    summary = f"{action.capitalize()} VM"
    router.add_api_route(
        f"/{{ref}}/{action}",
        act,
        methods=["POST"],
        operation_id=f"{action}_vm",
        summary=summary,
        description=_SAYS[action],
        **CHANGES,
    )


_DEFAULT = Power()
for _action in PowerAction:
    _add(_action)
