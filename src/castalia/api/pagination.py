"""Lists page by page: query parameters in, `items`, `next_cursor` and `total` out."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from castalia.api.answers import Shape
from castalia.model.page import Page, PageRequest

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000


class Paged:
    """Reads a list's parameters; `sort` is the order when none is asked for."""

    def __init__(self, *, sort: str = "name") -> None:
        self._sort = sort

    def __call__(
        self,
        limit: Annotated[
            int, Query(ge=1, le=MAX_LIMIT, description="Most items to answer with.")
        ] = DEFAULT_LIMIT,
        cursor: Annotated[
            str, Query(max_length=2000, description="`next_cursor` of the page before.")
        ] = "",
        sort: Annotated[
            str,
            Query(
                max_length=64,
                description="Field to sort by; a leading `-` turns the order around.",
                examples=["-created_at"],
            ),
        ] = "",
        search: Annotated[
            str,
            Query(
                alias="filter",
                max_length=1000,
                description="Words and `field:value` terms, all of which must match.",
                examples=["state:running web"],
            ),
        ] = "",
    ) -> PageRequest:
        """The request for a page, as services take it."""
        return PageRequest(limit=limit, cursor=cursor, sort=sort or self._sort, filter=search)


ByName = Annotated[PageRequest, Depends(Paged())]
NewestFirst = Annotated[PageRequest, Depends(Paged(sort="-created_at"))]
LatestFirst = Annotated[PageRequest, Depends(Paged(sort="-at"))]


def paged(page: Page[Any], shape: Shape, request: Request) -> Response:
    """The page as JSON, with a `Link` to the next one."""
    headers = {}
    if page.next_cursor:
        following = request.url.include_query_params(cursor=page.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return shape(page, headers=headers)
