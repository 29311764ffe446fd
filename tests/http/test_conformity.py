"""Requests that nobody would think of, made from the API's own description: none may crash it, and
every answer is as described."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.http.conftest import World, running_world

from castalia.api.app import create_app
from castalia.model.access import Role
from castalia.settings import ServerSettings, Settings

ENDLESS = "follow_changes"
UPSTREAM = (502, 503)
"""What a guest without an agent, or a host that is away, is answered with."""


class Relay:
    """Stands for the app while tests are collected, when there is none yet."""

    def __init__(self, target: ASGIApp) -> None:
        self.target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.target(scope, receive, send)


relay = Relay(
    create_app(MagicMock(), settings=Settings(server=ServerSettings(host_names=("testserver",))))
)
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", relay)


@pytest.fixture(scope="module")
def strange_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One of its own: anything in it may go."""
    with running_world(tmp_path_factory.mktemp("state")) as world:
        world.make_vm("web1")
        relay.target = world.app
        yield world


@schema.exclude(operation_id=ENDLESS).parametrize()
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_described(case: Any, strange_world: World) -> None:
    response = case.call(headers=strange_world.as_(Role.ADMIN))
    checks = [content_type_conformance, response_schema_conformance, status_code_conformance]
    if response.status_code not in UPSTREAM:
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)
