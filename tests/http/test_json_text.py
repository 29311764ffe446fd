"""Strings that are no text are refused before anything is done with them."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from castalia.http.body_limit import BodyLimit
from castalia.http.json_text import JsonText
from castalia.http.problems import install_problem_handlers


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/things")
    @app.post("/vms/1/exec")
    def keep(thing: dict[str, object]) -> dict[str, object]:
        return thing

    app.add_middleware(JsonText)
    app.add_middleware(BodyLimit, limit_bytes=10_000)
    with TestClient(app) as client:
        yield client


def post(client: TestClient, body: str, path: str = "/things") -> tuple[int, dict[str, object]]:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "word", [r"\ud800", r"\u0000", r"a\u001b[31m", r"\b", r"\uFFFE", r"\udc00x"]
)
def test_what_is_no_text_is_refused_with_its_place(client: TestClient, word: str) -> None:
    status, problem = post(client, f'{{"spec": {{"tags": ["ok", "{word}"]}}}}')
    assert status == 422
    assert problem["field"] == "spec.tags.1"
    assert problem["remedy"]


def test_names_of_fields_are_text_too(client: TestClient) -> None:
    assert post(client, r'{"\ud800": 1}')[0] == 422


@pytest.mark.parametrize(
    "word", [r"\ud83d\ude00", "\N{GRINNING FACE}", r"a\tb\nc\r", r"\\u0000", "é"]
)
def test_text_passes(client: TestClient, word: str) -> None:
    assert post(client, f'{{"a": "{word}"}}')[0] == 200


def test_a_guests_command_takes_anything(client: TestClient) -> None:
    assert post(client, r'{"stdin": "\u001b"}', "/vms/1/exec")[0] == 200


def test_what_is_too_long_is_said_as_before(client: TestClient) -> None:
    assert post(client, f'{{"a": "{"x" * 20_000}"}}')[0] == 413


def test_broken_json_is_said_as_before(client: TestClient) -> None:
    assert post(client, r'{"a": "\u0000')[1]["detail"] == "The body is not valid JSON."
