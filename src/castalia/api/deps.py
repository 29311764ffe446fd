"""What routes are given: the services, and the parameters that many of them share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from castalia.services.services import Services


def services_of(request: Request) -> Services:
    """The services of the app that the request came to."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


def _plan_only(
    *,
    plan: Annotated[
        bool, Query(description="Answer what would happen, and change nothing.")
    ] = False,
) -> bool:
    return plan


PlanOnly = Annotated[bool, Depends(_plan_only)]


def _ref(
    ref: Annotated[
        str,
        Path(
            min_length=1,
            max_length=200,
            description="An id, a name that is unique, or `host:name`.",
            examples=["web1"],
        ),
    ],
) -> str:
    """Names never hold a colon, so it can stand for the slash of `host/name` in an address."""
    return ref.replace(":", "/")


Ref = Annotated[str, Depends(_ref)]


def _since(
    since: Annotated[
        datetime | None, Query(description="Begin; an hour before the end if left out.")
    ] = None,
    until: Annotated[datetime | None, Query(description="End; now if left out.")] = None,
) -> tuple[datetime, datetime]:
    end = _utc(until) if until else datetime.now(UTC)
    return (_utc(since) if since else end - timedelta(hours=1)), end


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Period = Annotated[tuple[datetime, datetime], Depends(_since)]
Points = Annotated[int, Query(ge=2, le=2000, description="Most samples to answer with.")]
