"""One request of somebody at a browser: who, through which services, and how the answer is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse

from castalia.http.security import SESSION_COOKIE, csrf_token, requires
from castalia.model.access import Principal, Role
from castalia.model.page import PageRequest
from castalia.web.changes import Change
from castalia.web.render import html, wants_part

if TYPE_CHECKING:
    from castalia.services.services import Services
else:
    Services = Any

PAGE_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a view needs to answer."""

    request: Request
    principal: Principal
    services: Services
    seen: str
    """Where the stream of changes was before anything was read."""

    @property
    def csrf(self) -> str:
        """The token that the page's own writes carry."""
        return csrf_token(self.request.cookies.get(SESSION_COOKIE, ""))

    def show(self, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page, or the part of it that the page's own scripts ask for."""
        counts: Mapping[str, int] = {}
        if not wants_part(self.request):
            counts = self.services.overview.counts(principal=self.principal)
        return html(self.request, template, status=status, visit=self, counts=counts, **context)

    def part(
        self,
        template: str,
        /,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A fragment that never comes with the frame."""
        return html(self.request, template, status=status, headers=headers, visit=self, **context)

    def wanted(self, *, sort: str = "name", limit: int = PAGE_SIZE, only: str = "") -> PageRequest:
        """The part of a list that the address asks for; `only` narrows it beyond the filter that
        the user wrote."""
        asked = self.request.query_params
        words = " ".join(word for word in (only, asked.get("q", "")) if word)
        return PageRequest(
            limit=limit, cursor=asked.get("cursor", ""), sort=asked.get("sort", sort), filter=words
        )

    def may(self, change: Change) -> bool:
        """Whether whoever visits has the role that the action needs."""
        return self.principal.role.allows(change.role)

    def allowed(self, changes: Mapping[str, Change]) -> dict[str, Change]:
        """Those of a noun's actions that whoever visits may run."""
        return {verb: change for verb, change in changes.items() if self.may(change)}

    @property
    def operates(self) -> bool:
        """Whether whoever visits may make things."""
        return self.principal.role.allows(Role.OPERATOR)

    @property
    def start(self) -> int:
        """How many rows come before this page of a list, for its caption."""
        text = self.request.query_params.get("from", "")
        return int(text) if text.isdecimal() else 0


def services_of(request: Request) -> Services:
    """The services that the app was made with."""
    return cast(Services, request.app.state.services)


def _visit(role: Role) -> Any:
    def make(request: Request, principal: Annotated[Principal, requires(role)]) -> Visit:
        seen = request.app.state.changes.position
        return Visit(request=request, principal=principal, services=services_of(request), seen=seen)

    return Depends(make)


ViewerVisit = Annotated[Visit, _visit(Role.VIEWER)]
OperatorVisit = Annotated[Visit, _visit(Role.OPERATOR)]
AdminVisit = Annotated[Visit, _visit(Role.ADMIN)]


async def _read_form(request: Request) -> Mapping[str, str]:
    fields = await request.form()
    return {name: value for name, value in fields.items() if isinstance(value, str)}


Form = Annotated[Mapping[str, str], Depends(_read_form)]
"""The fields of a sent form; of a field that was sent several times, the last."""
