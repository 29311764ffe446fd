"""The shared HTTP edge, on a small app of its own: gates, CSRF, problems, headers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from castalia import errors
from castalia.http.edge import Edge
from castalia.http.problems import STATUS, install_problem_handlers, status_of
from castalia.http.security import (
    CSRF_FIELD,
    CSRF_HEADER,
    SESSION_COOKIE,
    Admin,
    Operator,
    Viewer,
    csrf_token,
    deny_undeclared,
    install_default_deny,
    public,
)
from castalia.model.access import Principal, Role

PASSWORDS = {"view": Role.VIEWER, "operate": Role.OPERATOR, "admin": Role.ADMIN}


class KnownSecrets:
    """Secrets are the role's short names."""

    def from_token(self, secret: str, *, source: str) -> Principal:
        if secret not in PASSWORDS:
            raise errors.Unauthenticated("The token is unknown.")
        return Principal(user_id="u", user_name="u", role=PASSWORDS[secret], source=source)

    from_session = from_token


@dataclass(frozen=True, kw_only=True)
class Body:
    name: str
    amount: int


def failure(name: str) -> Exception:
    """The error of that name, or an unknown one, with something in it that nobody may see."""
    cls = getattr(errors, name, RuntimeError)
    if cls is errors.TooManyAttempts:
        return errors.TooManyAttempts("It failed.", remedy="Try.", retry_after_s=17)
    if issubclass(cls, errors.CastaliaError):
        return cls("It failed.", remedy="Try.", detail="secret /etc/path", field="name")
    return cls("secret /etc/path")


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/view")
    def view(principal: Viewer) -> str:
        return principal.source

    @router.post("/operate")
    def operate(principal: Operator) -> str:
        return principal.user_name

    @router.delete("/admin")
    def remove(principal: Admin) -> None:
        return None

    @router.get("/open", dependencies=[public("a test")])
    def show() -> str:
        return "shown"

    @router.post("/body", dependencies=[public("a test")])
    def body(body: Body) -> str:
        return body.name

    @router.get("/fail/{name}", dependencies=[public("a test")])
    def fail(name: str) -> None:
        raise failure(name)

    return router


def make_app() -> FastAPI:
    from fastapi import Depends

    app = FastAPI(dependencies=[Depends(deny_undeclared)], docs_url=None, redoc_url=None)
    app.router.routes.clear()
    app.add_middleware(Edge, host_names=["castalia.example.org"])
    app.include_router(routes())
    app.state.authentication = KnownSecrets()
    install_problem_handlers(app)
    return app


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = make_app()
    install_default_deny(app)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_stranger_is_told_to_log_in(client: TestClient) -> None:
    answer = client.get("/view")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("secret", "status"), [("view", 403), ("operate", 200), ("admin", 200), ("guess", 401)]
)
def test_a_role_opens_what_it_should(client: TestClient, secret: str, status: int) -> None:
    assert client.post("/operate", headers=bearer(secret)).status_code == status


def test_a_refusal_names_the_role(client: TestClient) -> None:
    answer = client.delete("/admin", headers=bearer("operate"))
    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]


def test_the_source_address_reaches_the_principal(client: TestClient) -> None:
    assert client.get("/view", headers=bearer("view")).json() == "testclient"


def test_a_cookie_reads_without_csrf_token_but_does_not_write(client: TestClient) -> None:
    client.cookies.set(SESSION_COOKIE, "operate")
    assert client.get("/view").status_code == 200
    refused = client.post("/operate")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")


def test_the_csrf_token_is_taken_from_header_or_form(client: TestClient) -> None:
    client.cookies.set(SESSION_COOKIE, "operate")
    token = csrf_token("operate")
    assert client.post("/operate", headers={CSRF_HEADER: token}).status_code == 200
    assert client.post("/operate", data={CSRF_FIELD: token}).status_code == 200
    assert client.post("/operate", data={CSRF_FIELD: token[:-1]}).status_code == 403
    other = csrf_token("admin")
    assert client.post("/operate", headers={CSRF_HEADER: other}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example.org", "null", "http://localhost:1"])
def test_another_sites_page_cannot_write_with_a_cookie(client: TestClient, origin: str) -> None:
    client.cookies.set(SESSION_COOKIE, "operate")
    headers = {CSRF_HEADER: csrf_token("operate"), "Origin": origin}
    refused = client.post("/operate", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "origin")
    headers["Origin"] = "http://localhost"
    assert client.post("/operate", headers=headers).status_code == 200


def test_a_route_without_a_role_keeps_the_app_from_starting() -> None:
    app = make_app()
    app.add_api_route("/forgotten", lambda: "leak")
    with pytest.raises(RuntimeError, match="/forgotten"):
        install_default_deny(app)


def test_a_route_added_later_without_a_role_is_closed(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    app.add_api_route("/late", lambda: "leak")
    assert client.get("/late", headers=bearer("admin")).status_code == 403


def test_a_mount_that_is_not_public_files_keeps_the_app_from_starting() -> None:
    app = make_app()
    app.router.routes.append(Mount("/files", StaticFiles(directory="/", check_dir=False)))
    with pytest.raises(RuntimeError, match="/files"):
        install_default_deny(app)


def all_errors() -> list[type[errors.CastaliaError]]:
    found = [errors.CastaliaError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return [cls for cls in found if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", all_errors())
def test_every_error_has_a_status_and_keeps_its_detail(
    client: TestClient, cls: type[errors.CastaliaError]
) -> None:
    answer = client.get(f"/fail/{cls.__name__}")
    assert answer.status_code == status_of(cls("")) == STATUS[_nearest(cls)]
    body = answer.json()
    assert body["code"] == cls.default_code
    assert (body["title"], body["detail"], body["remedy"]) == (cls.title, "It failed.", "Try.")
    assert body["type"].endswith(body["code"])
    assert body.get("field") == ("name" if cls is not errors.TooManyAttempts else None)
    assert "secret" not in answer.text


def _nearest(cls: type[errors.CastaliaError]) -> type[errors.CastaliaError]:
    return next(base for base in cls.__mro__ if base in STATUS)


@pytest.mark.parametrize(
    ("name", "retry"), [("TooManyAttempts", "17"), ("HostUnreachable", "3"), ("Busy", "3")]
)
def test_what_may_be_tried_again_says_when(client: TestClient, name: str, retry: str) -> None:
    assert client.get(f"/fail/{name}").headers["retry-after"] == retry


def test_an_unknown_exception_shows_an_id_and_no_text(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/fail/nothing")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.json()["remedy"]
    written = capsys.readouterr().out
    assert request_id in written
    assert "secret /etc/path" in written


def test_a_bad_body_names_every_field_and_repeats_no_value(client: TestClient) -> None:
    answer = client.post("/body", json={"amount": "hunter2"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    found = {item["field"]: item for item in answer.json()["errors"]}
    assert set(found) == {"name", "amount"}
    assert found["name"]["remedy"] == "Add this field."


def test_broken_json_is_said_to_be_so(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/body", content=b'{"name": ', headers=headers)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["detail"]


def test_unknown_addresses_and_methods_are_problems_too(client: TestClient) -> None:
    assert client.get("/nowhere").json()["code"] == "http.not-found"
    answer = client.put("/view")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "host", ["localhost:8006", "127.0.0.1", "[::1]:8006", "192.0.2.7:1", "Castalia.example.org."]
)
def test_own_names_and_bare_addresses_pass(client: TestClient, host: str) -> None:
    assert client.get("/open", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example.org", "", "localhost.evil.org", "127.0.0.1.evil"])
def test_other_host_names_are_refused(client: TestClient, host: str) -> None:
    answer = client.get("/open", headers={"Host": host})
    assert answer.status_code == 422
    assert answer.json()["code"] == "host-name"


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for answer in (client.get("/open"), client.get("/nowhere"), client.get("/fail/nothing")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_over_tls_browsers_are_told_to_stay_there(client: TestClient) -> None:
    answer = client.get("https://localhost/open")
    assert answer.headers["strict-transport-security"]


def test_json_is_what_problems_are(client: TestClient) -> None:
    assert json.loads(client.get("/fail/NotFound").text)["status"] == 404
