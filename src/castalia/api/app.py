"""The HTTP app: the API, and whatever pages and consoles bootstrap adds to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import Mount

import castalia
from castalia.api import docs, health, metrics
from castalia.api.openapi import install_openapi
from castalia.api.sse import ChangeFeed
from castalia.api.v1 import ROUTERS
from castalia.http.body_limit import BodyLimit
from castalia.http.edge import Edge
from castalia.http.json_text import JsonText
from castalia.http.problems import ErrorPage, install_problem_handlers
from castalia.http.security import deny_undeclared, install_default_deny
from castalia.http.static import PublicFiles
from castalia.model.access import Principal
from castalia.services.audit import AuditService
from castalia.services.services import Services
from castalia.settings import Settings

_BODY_LIMIT_BYTES = 4 * 1024**2


def create_app(
    services: Services,
    *,
    settings: Settings,
    routers: Sequence[APIRouter] = (),
    mounts: Sequence[tuple[str, PublicFiles]] = (),
    error_page: ErrorPage | None = None,
) -> FastAPI:
    """The app over `services`, with further `routers` and directories of public files.

    `error_page` shows problems to browsers outside `/api`. Raises RuntimeError if any route lacks
    its role.
    """
    app = FastAPI(
        lifespan=_lifespan,
        dependencies=[Depends(deny_undeclared)],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    _fill_state(app, services, settings)
    _add_routes(app, routers, mounts)
    install_problem_handlers(app, error_page=error_page)
    install_openapi(app, version=castalia.__version__)
    install_default_deny(app)
    app.state.refused = partial(_note_refusal, services.audit)
    app.add_middleware(JsonText)
    app.add_middleware(BodyLimit, limit_bytes=_BODY_LIMIT_BYTES, streamed=("/api/v1/uploads/",))
    app.add_middleware(
        Edge, host_names=settings.server.host_names, observe=app.state.metrics.observe
    )
    return app


def _fill_state(app: FastAPI, services: Services, settings: Settings) -> None:
    app.state.services = services
    app.state.settings = settings
    app.state.authentication = services.authentication
    app.state.changes = ChangeFeed()
    app.state.metrics = metrics.Metrics(services)


def _add_routes(
    app: FastAPI, routers: Sequence[APIRouter], mounts: Sequence[tuple[str, PublicFiles]]
) -> None:
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    for router in (health.router, metrics.router, docs.router, *routers):
        app.include_router(router)
    for path, files in mounts:
        app.router.routes.append(Mount(path, files, name=path.strip("/")))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    changes: ChangeFeed = app.state.changes
    changes.open()
    stop = app.state.services.events.subscribe(changes.publish)
    try:
        yield
    finally:
        stop()
        changes.close()


def _note_refusal(audit: AuditService, principal: Principal, action: str, path: str) -> None:
    audit.record(principal, action=action, target=path, outcome="refused", detail="forbidden")
