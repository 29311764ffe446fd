"""For load balancers and supervisors: is the process alive, and can it work."""

from fastapi import APIRouter

from castalia.api.deps import ServicesDep
from castalia.errors import Busy
from castalia.http.security import public
from castalia.model.access import SYSTEM
from castalia.model.page import PageRequest

router = APIRouter(tags=["Health"])
_WHY = "load balancers have no credentials; the answers hold no secret"


@router.get("/healthz", operation_id="get_health", dependencies=[public(_WHY)])
async def healthz() -> dict[str, str]:
    """Whether the process answers at all."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="get_readiness", dependencies=[public(_WHY)])
def readyz(services: ServicesDep) -> dict[str, str]:
    """Whether the manager can work: 200 if its database answers, 503 otherwise."""
    try:
        services.hosts.list(PageRequest(limit=1), principal=SYSTEM)
    except Exception as error:
        remedy = "Wait until the manager's database answers."
        raise Busy("The manager cannot work now.", remedy=remedy, detail=str(error)) from error
    return {"status": "ready"}
