"""Named public SSH keys that new VMs can be given."""

from typing import Annotated

from fastapi import APIRouter, Body, Path
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import API, Shape, created, nothing
from castalia.api.bodies import NewSshKey
from castalia.api.deps import ServicesDep
from castalia.http.security import Operator, Viewer
from castalia.model.access import SshKey

router = APIRouter(prefix="/ssh-keys", tags=["Access"])
_KEY, _KEYS = Shape(SshKey), Shape(list[SshKey])
Name = Annotated[str, Path(max_length=64, description="The key's name.", examples=["laptop"])]


@router.get("", operation_id="list_ssh_keys", response_model=list[SshKey])
def list_ssh_keys(services: ServicesDep, principal: Viewer) -> Response:
    """Lists the keys."""
    return _KEYS(list(services.ssh_keys.list(principal=principal)))


@router.post("", operation_id="add_ssh_key", response_model=SshKey, status_code=201)
def add_ssh_key(
    new: Annotated[NewSshKey, Body(examples=[examples.NEW_SSH_KEY])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Adds a key."""
    key = services.ssh_keys.add(new.name, new.public_key, principal=principal)
    return created(key, _KEY, location=f"{API}/ssh-keys/{key.name}")


@router.delete("/{name}", operation_id="remove_ssh_key", status_code=204)
def remove_ssh_key(name: Name, services: ServicesDep, principal: Operator) -> Response:
    """Forgets a key; VMs that have it keep it."""
    services.ssh_keys.remove(name, principal=principal)
    return nothing()
