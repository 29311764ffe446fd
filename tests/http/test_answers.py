"""Entity tags, pages, redaction, bulk answers: the parts that routes share, on an app of their
own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import Shape, versioned
from castalia.api.bulk import for_each
from castalia.api.etag import ExpectedRevision
from castalia.api.pagination import ByName, paged
from castalia.api.redaction import HIDDEN, redacted
from castalia.errors import Conflict
from castalia.http.problems import install_problem_handlers
from castalia.model.job import Job
from castalia.model.page import Page


@dataclass(frozen=True, kw_only=True)
class Thing:
    revision: int
    load: float = 0.0


@dataclass
class Shelf:
    thing: Thing


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(Thing(revision=7))


@pytest.fixture
def client(shelf: Shelf) -> Iterator[TestClient]:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/thing")
    def get_thing(request: Request) -> Response:
        return versioned(shelf.thing, Shape(Thing), request)

    @app.patch("/thing")
    def edit(revision: ExpectedRevision) -> int | None:
        return revision

    @app.get("/things")
    def list_things(request: Request, page: ByName) -> Response:
        following = "" if page.cursor else "two+/="
        found = Page(items=[shelf.thing], next_cursor=following, total=page.limit)
        return paged(found, Shape(Page[Thing]), request)

    with TestClient(app) as client:
        yield client


def test_an_unchanged_object_is_not_sent_again(client: TestClient, shelf: Shelf) -> None:
    tag = client.get("/thing").headers["etag"]
    again = client.get("/thing", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    shelf.thing = Thing(revision=7, load=0.5)
    assert client.get("/thing", headers={"If-None-Match": tag}).json()["load"] == 0.5


@pytest.mark.parametrize("tag", ['"7"', 'W/"7"', '"7-0123456789ab"', ' "7" '])
def test_a_tag_names_the_revision(client: TestClient, tag: str) -> None:
    assert client.patch("/thing", headers={"If-Match": tag}).json() == 7


def test_a_tag_as_it_came_names_the_revision(client: TestClient) -> None:
    tag = client.get("/thing").headers["etag"]
    assert client.patch("/thing", headers={"If-Match": tag}).json() == 7


def test_without_a_tag_whatever_is_there_is_changed(client: TestClient) -> None:
    assert client.patch("/thing").json() is None
    assert client.patch("/thing", headers={"If-Match": "*"}).json() is None


@pytest.mark.parametrize("tag", ["7", '"x"', '""', '"-1"', '"7", "8"', '"' + "9" * 30 + '"'])
def test_what_was_never_a_tag_is_refused(client: TestClient, tag: str) -> None:
    answer = client.patch("/thing", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["field"]) == (422, "If-Match")


def test_a_page_links_to_the_next(client: TestClient) -> None:
    first = client.get("/things?limit=3&filter=web")
    assert first.json() == {
        "items": [{"revision": 7, "load": 0.0}],
        "next_cursor": "two+/=",
        "total": 3,
    }
    address = first.headers["link"].removeprefix("<").split(">")[0]
    assert "filter=web" in address
    last = client.get(address)
    assert last.json()["next_cursor"] == ""
    assert "link" not in last.headers


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "sort=" + "x" * 65])
def test_a_page_that_cannot_be_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/things?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == query.split("=")[0]


def test_secrets_are_taken_out_wherever_they_are() -> None:
    args = {
        "spec": {"seed": {"user_data": "#cloud-config", "password_hash": "$6$x", "user": "a"}},
        "list": [{"api_token": "t"}],
        "url": "https://bob:pw@example.org/i.qcow2?signature=abc",
        "empty": {"password": ""},
        "uri": "qemu+ssh://root@h1/system",
    }
    assert redacted(args) == {
        "spec": {"seed": {"user_data": HIDDEN, "password_hash": HIDDEN, "user": "a"}},
        "list": [{"api_token": HIDDEN}],
        "url": f"https://example.org/i.qcow2?{HIDDEN}",
        "empty": {"password": ""},
        "uri": "qemu+ssh://root@h1/system",
    }


def test_one_refusal_does_not_stop_the_others() -> None:
    def act(ref: str) -> Job:
        if ref == "bad":
            raise Conflict("bad is stopped.", remedy="Start it.", code="vm.stopped")
        return examples.JOB

    answer = for_each(["a", "bad", "b", "a"], act)
    assert len(answer.jobs) == 2
    (refusal,) = answer.errors
    assert (refusal.ref, refusal.status, refusal.code) == ("bad", 409, "vm.stopped")
