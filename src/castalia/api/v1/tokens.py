"""API tokens of oneself, for programs."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import API, Shape, created, nothing
from castalia.api.bodies import CreatedToken, NewToken
from castalia.api.deps import ServicesDep
from castalia.http.security import Viewer
from castalia.model.access import ApiToken

router = APIRouter(prefix="/tokens", tags=["Access"])
_TOKENS, _CREATED = Shape(list[ApiToken]), Shape(CreatedToken)
Id = Annotated[
    str, Path(max_length=64, description="The token's id.", examples=["01kav3c5x9m2q7t8e4nd"])
]


@router.get("", operation_id="list_tokens", response_model=list[ApiToken])
def list_tokens(
    services: ServicesDep,
    principal: Viewer,
    *,
    all_users: Annotated[bool, Query(description="Of all users; for administrators.")] = False,
) -> Response:
    """Lists one's own tokens, without their secrets."""
    return _TOKENS(list(services.tokens.list(all_users=all_users, principal=principal)))


@router.post("", operation_id="create_token", response_model=CreatedToken, status_code=201)
def create_token(
    new: Annotated[NewToken, Body(examples=[examples.NEW_TOKEN])],
    services: ServicesDep,
    principal: Viewer,
) -> Response:
    """Makes a token. Its secret is shown in this answer and never again."""
    token, secret = services.tokens.create(new.name, new.role, days=new.days, principal=principal)
    answer = CreatedToken(token=token, secret=secret)
    return created(answer, _CREATED, location=f"{API}/tokens/{token.id}")


@router.delete("/{id}", operation_id="revoke_token", status_code=204)
def revoke_token(id: Id, services: ServicesDep, principal: Viewer) -> Response:
    """Makes a token worthless at once."""
    services.tokens.revoke(id, principal=principal)
    return nothing()
