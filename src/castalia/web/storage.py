"""Repositories and volumes."""

from fastapi import APIRouter
from starlette.responses import Response

from castalia.web import command
from castalia.web.backing import forest
from castalia.web.changes_storage import CHANGES
from castalia.web.visit import ViewerVisit

router = APIRouter(include_in_schema=False)
_TREE_LIMIT = 1000


@router.get("/storage")
def repositories_page(visit: ViewerVisit) -> Response:
    """All repositories with what is left in them."""
    asked = visit.wanted()
    return visit.show(
        "storage/list.html",
        page=visit.services.storage.repositories(asked, principal=visit.principal),
        sort=asked.sort,
        filter=asked.filter,
        add=CHANGES["add"],
        command=command.listing("repository", "/repositories", filter=asked.filter),
    )


@router.get("/storage/{ref}")
def repository_page(visit: ViewerVisit, ref: str) -> Response:
    """The volumes of a repository as a tree: what stands on what, and who uses it."""
    repository = visit.services.storage.repository(ref, principal=visit.principal)
    asked = visit.wanted(limit=_TREE_LIMIT)
    volumes = visit.services.storage.volumes(
        asked, repository=repository.id, principal=visit.principal
    )
    path = f"/repositories/{repository.id}/volumes"
    return visit.show(
        "storage/repository.html",
        repository=repository,
        volumes=volumes,
        tree=forest(volumes.items),
        filter=asked.filter,
        changes=CHANGES,
        command=command.Command(
            words=["volume", "list", "--repository", repository.name], path=path
        ),
    )
