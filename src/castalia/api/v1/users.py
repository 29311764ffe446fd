"""Users: who may log in, and what they may do."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import API, Shape, created, nothing, versioned
from castalia.api.bodies import NewUser, UserValues
from castalia.api.deps import Ref, ServicesDep
from castalia.api.etag import ExpectedRevision
from castalia.api.pagination import ByName, paged
from castalia.http.security import Admin
from castalia.model.access import User
from castalia.model.page import Page

router = APIRouter(prefix="/users", tags=["Access"])
_USER, _USERS = Shape(User), Shape(Page[User])


@router.get("", operation_id="list_users", response_model=Page[User])
def list_users(request: Request, page: ByName, services: ServicesDep, principal: Admin) -> Response:
    """Lists users."""
    return paged(services.users.list(page, principal=principal), _USERS, request)


@router.post("", operation_id="create_user", response_model=User, status_code=201)
def create_user(
    new: Annotated[NewUser, Body(examples=[examples.NEW_USER])],
    services: ServicesDep,
    principal: Admin,
) -> Response:
    """Adds a user."""
    user = services.users.create(new.name, new.password, new.role, principal=principal)
    return created(user, _USER, location=f"{API}/users/{user.id}")


@router.get("/{ref}", operation_id="get_user", response_model=User)
def get_user(request: Request, ref: Ref, services: ServicesDep, principal: Admin) -> Response:
    """Shows a user."""
    return versioned(services.users.get(ref, principal=principal), _USER, request)


@router.patch("/{ref}", operation_id="edit_user", response_model=User)
def edit_user(
    request: Request,
    ref: Ref,
    values: Annotated[UserValues, Body(examples=[examples.USER_EDIT])],
    services: ServicesDep,
    principal: Admin,
    revision: ExpectedRevision,
) -> Response:
    """Changes a user's role or password, or keeps the user out."""
    user = services.users.edit(
        ref,
        role=values.role,
        disabled=values.disabled,
        password=values.password,
        expected_revision=revision,
        principal=principal,
    )
    return versioned(user, _USER, request)


@router.delete("/{ref}", operation_id="remove_user", status_code=204)
def remove_user(ref: Ref, services: ServicesDep, principal: Admin) -> Response:
    """Removes a user with all sessions and tokens."""
    services.users.remove(ref, principal=principal)
    return nothing()
