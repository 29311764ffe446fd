"""The API's description: valid, complete, with examples that are true; and every route guarded."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.testclient import TestClient

from castalia import console
from castalia.api.app import create_app
from castalia.api.openapi import install_openapi
from castalia.http.problems import PROBLEM_TYPE
from castalia.http.security import gates_of
from castalia.model.access import Role
from castalia.settings import Settings

PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",  # asks for the role itself
    "/api/v1/openapi.json",
    "/api/v1/session",  # POST only: logging in
    "/console/vms/{id}/vnc",  # by ticket
    "/console/vms/{id}/serial",
}
_BODY = "application/json"


@pytest.fixture(scope="module")
def described() -> FastAPI:
    """The app with nothing behind it: only its routes are looked at."""
    return create_app(MagicMock(), settings=Settings(), routers=[console.router])


@pytest.fixture(scope="module")
def document(described: FastAPI) -> dict[str, Any]:
    return json.loads(json.dumps(described.openapi()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def routes(app: FastAPI) -> Iterator[tuple[str, str, RouteContext]]:
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or {"WEBSOCKET"}):
            yield method, str(context.path_format), context


def test_every_route_declares_who_may_use_it(described: FastAPI) -> None:
    open_to_all = set()
    for method, path, context in routes(described):
        gates = gates_of(context)
        assert gates, f"{method} {path} declares no role"
        if all(gate.role is None for gate in gates):
            assert all(gate.reason for gate in gates)
            open_to_all.add(path)
    assert open_to_all == PUBLIC


def test_every_change_needs_more_than_viewing(described: FastAPI) -> None:
    of_oneself = ("/api/v1/session", "/api/v1/tokens")
    for method, path, context in routes(described):
        if method in {"GET", "HEAD", "WEBSOCKET"} or path.startswith(of_oneself):
            continue
        roles = {gate.role for gate in gates_of(context)}
        assert roles <= {Role.OPERATOR, Role.ADMIN}, f"{method} {path} asks for {roles}"


def test_strangers_are_kept_out_of_everything_else(described: FastAPI) -> None:
    with TestClient(described, base_url="http://localhost") as client:
        for method, path, context in routes(described):
            if method == "WEBSOCKET" or any(gate.role is None for gate in gates_of(context)):
                continue
            address = path.replace("{", "").replace("}", "")
            assert client.request(method, address).status_code == 401, f"{method} {path}"


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_every_route_of_the_api_is_described(described: FastAPI, document: dict[str, Any]) -> None:
    for method, path, context in routes(described):
        if path.startswith("/api/v1/") and path != "/api/v1/openapi.json":
            operation = document["paths"][path][method.lower()]
            assert operation["operationId"] == context.operation_id


def test_every_operation_says_what_it_needs_and_answers(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation.get("description") or operation["summary"], name
        assert set(operation["tags"]) <= tags, name
        assert operation["responses"]["default"]["$ref"].endswith("/Problem"), name
        assert "security" in operation, name
    assert PROBLEM_TYPE in document["components"]["responses"]["Problem"]["content"]


def examples_of(operation: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """(schema, example) of an operation's JSON bodies, both ways."""
    body = operation.get("requestBody", {}).get("content", {}).get(_BODY)
    answers = [one.get("content", {}).get(_BODY) for one in operation["responses"].values()]
    for media in [body, *answers]:
        if media:
            found = media.get("examples") or media["schema"].get("examples") or []
            values = found.values() if isinstance(found, dict) else found
            yield from ((media["schema"], value) for value in values)
            if "example" in media:
                yield media["schema"], media["example"]


def test_every_json_body_has_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if name in {"GET /healthz", "GET /readyz"}:
            continue
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        bodies = sum(_BODY in one.get("content", {}) for one in contents)
        assert len(list(examples_of(operation))) >= bodies, name


def test_the_examples_are_what_the_schemas_say(document: dict[str, Any]) -> None:
    count = 0
    for name, operation in operations(document):
        for schema, example in examples_of(operation):
            whole = {**schema, "components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(whole)
            problems = [error.message for error in validator.iter_errors(example)]
            assert not problems, f"{name}: {problems}"
            count += 1
    assert count > 100


def test_unknown_fields_are_refused_at_every_depth(document: dict[str, Any]) -> None:
    for name in ("NewVm", "VmSpec", "DiskSpec", "NicSpec", "GuestSeed", "VmChange", "Power"):
        schema = document["components"]["schemas"][name]
        assert schema["additionalProperties"] is False, name


def test_the_description_is_served_without_login(described: FastAPI) -> None:
    install_openapi(described, version="9.9")
    described.openapi_schema = None
    with TestClient(described, base_url="http://localhost") as client:
        assert client.get("/api/v1/openapi.json").json()["info"]["version"] == "9.9"
