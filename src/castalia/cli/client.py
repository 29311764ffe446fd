"""Speaks HTTP to the manager and turns its problems into exit codes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from castalia.cli.config import Context
from castalia.cli.failures import CommandFailed, Exit

if TYPE_CHECKING:
    import ssl

    import httpx

_PAGE = 500
_STATUS = {
    401: Exit.NOT_ALLOWED,
    403: Exit.NOT_ALLOWED,
    404: Exit.NOT_FOUND,
    409: Exit.REFUSED,
    412: Exit.REFUSED,
    422: Exit.USAGE,
    400: Exit.USAGE,
    413: Exit.USAGE,
}
_LOG_IN = (
    "Make a token on the page Access and keep it with: castalia context add NAME URL   "
    "(on the manager's machine: castalia up)"
)


def on_this_machine(url: str) -> bool:
    """Whether the address means this machine, which a proxy of the environment cannot know."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


class Client:
    """One manager."""

    def __init__(
        self,
        context: Context,
        *,
        timeout_s: float = 60.0,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        """Nothing is sent yet. Tests pass their own `transport`."""
        # httpx would load a command line of its own, which nothing here uses: 60 ms.
        sys.modules.setdefault("httpx._main", cast(ModuleType, None))
        import httpx

        headers = {"Authorization": f"Bearer {context.token}"} if context.token else {}
        self.url = context.url.rstrip("/")
        self._ca_file = context.ca_file
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            # Without TLS there is nothing to verify, and reading all authorities takes 30 ms.
            verify=context.ca_file or not self.url.startswith("http:"),
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            transport=transport,
            trust_env=not on_this_machine(self.url),
        )

    def tls(self) -> "ssl.SSLContext | None":
        """What other protocols check the manager's certificate with; None without TLS."""
        import ssl

        if not self.url.startswith("https:"):
            return None
        return ssl.create_default_context(cafile=self._ca_file or None)

    def request(self, method: str, path: str, **arguments: Any) -> "httpx.Response":
        """The answer to one request below /api/v1. Raises CommandFailed for anything but
        success."""
        with _translated(self.url):
            response = self._http.request(method, f"/api/v1{path}", **arguments)
        if response.is_error:
            raise _failure(response)
        return response

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET; parameters that are None or empty are left out."""
        return self.request("GET", path, params=_given(params)).json()

    def pages(self, path: str, *, limit: int = 0, **params: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page; all of them, or the first `limit`."""
        cursor, left = "", limit or float("inf")
        while left > 0:
            page = self.get(path, limit=int(min(_PAGE, left)), cursor=cursor, **params)
            yield from page["items"]
            left -= len(page["items"])
            cursor = page["next_cursor"]
            if not cursor:
                return

    def change(self, method: str, path: str, *, plan: bool = False, **arguments: Any) -> Any:
        """The JSON of a change: the job, or with `plan` what would happen."""
        params = _given(arguments.pop("params", {})) | ({"plan": "true"} if plan else {})
        response = self.request(method, path, params=params, **arguments)
        return response.json() if response.content else None

    def stream(self, path: str, *, last_id: str = "") -> Iterator[tuple[str, str, str]]:
        """Server-sent events as (id, name, data) until the manager ends the stream; those after
        `last_id` first."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        with (
            _translated(self.url),
            self._http.stream("GET", f"/api/v1{path}", headers=headers) as answer,
        ):
            if answer.is_error:
                answer.read()
                raise _failure(answer)
            yield from _events(answer.iter_lines())


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turns faults of the connection into CommandFailed."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise CommandFailed(
            f"{url} did not answer in time.",
            remedy="It may still do what it was asked; look at: castalia job list",
            code=Exit.TIMED_OUT,
        ) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise CommandFailed(
            f"{url!r} is no address of a manager.",
            remedy="Write it as http://HOST:PORT or https://HOST:PORT.",
            code=Exit.USAGE,
        ) from error
    except httpx.HTTPError as error:
        raise CommandFailed(
            f"The manager at {url} cannot be reached.",
            remedy="Start it with: castalia up   (or name another: castalia context add)",
            code=Exit.UNREACHABLE,
        ) from error


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    id, name, data = "", "message", ""
    for line in lines:
        key, _, value = line.partition(":")
        match key:
            case "id":
                id = value.strip()
            case "event":
                name = value.strip()
            case "data":
                data += value.strip()
        if not line and data:
            yield id, name, data
            name, data = "message", ""


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None and value != ""
    }


def _failure(response: "httpx.Response") -> CommandFailed:
    try:
        problem = cast("dict[str, Any]", response.json())
    except ValueError:
        problem = {}
    message = problem.get("detail") or f"The manager answered {response.status_code}."
    field = problem.get("field") or ""
    remedy = problem.get("remedy") or ""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        remedy = _LOG_IN
    return CommandFailed(
        f"{field}: {message}" if field and field not in message else message,
        remedy=remedy,
        code=_STATUS.get(response.status_code, Exit.FAILED),
    )
