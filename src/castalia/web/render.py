"""Turns view data into HTML: the Jinja environment, its filters, and whole pages or parts of them.

A request of the page's own scripts for `#page` gets only that part; the frame around it stays.
"""

import gzip
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from castalia.web import frame, spark, words
from castalia.web.assets import asset_url
from castalia.web.remedies import remedy_of

_HEADERS = {"Cache-Control": "no-store", "Vary": "HX-Request, Accept-Encoding"}
_WORTH_PACKING = 1400
_QUICK = 3


@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> Markup:
    """An icon of the sprite; with `label` it is read out, without it is decoration."""
    hidden = Markup('aria-hidden="true"')
    role = Markup('role="img" aria-label="{}"').format(label) if label else hidden
    url = asset_url("vendor/icons.svg")
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(role, url, name)


def query(current: Any, **changes: object) -> str:
    """The query string of a list with some parts changed; empty parts fall away."""
    parts = {**dict(current), **{key: str(value) for key, value in changes.items()}}
    kept = {key: value for key, value in parts.items() if value not in {"", "None"}}
    return "?" + urlencode(kept) if kept else "?"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("castalia.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bytes=words.format_bytes,
        mib=words.format_mib,
        ago=words.ago,
        age=words.age,
        exact=words.exact,
        duration=words.duration,
        percent=words.percent,
    )
    environment.globals.update(
        asset=asset_url,
        icon=icon,
        navigation=frame.navigation,
        look=words.look,
        elapsed=words.elapsed,
        query=query,
        remedy_of=remedy_of,
        spark_points=spark.points,
    )
    return environment


_ENVIRONMENT = _environment()


def wants_part(request: Request) -> bool:
    """Whether the page's own scripts ask, and have the frame already."""
    return "HX-Request" in request.headers or "HX-History-Restore-Request" in request.headers


def html(
    request: Request,
    template: str,
    /,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Renders a template; one that extends `frame` comes as a whole page or as its part."""
    layout = "layout/part.html" if wants_part(request) else "layout/frame.html"
    text = _ENVIRONMENT.get_template(template).render(request=request, frame=layout, **context)
    body, encoding = _packed(text.encode(), request.headers.get("accept-encoding", ""))
    sent = {**_HEADERS, **encoding, **(headers or {})}
    return HTMLResponse(body, status_code=status, headers=sent)


def _packed(body: bytes, accepted: str) -> tuple[bytes, dict[str, str]]:
    """The body, compressed where that pays. The session cookie does not come with requests that
    another site makes in the background, so the size tells such a site nothing about the page."""
    if len(body) < _WORTH_PACKING or "gzip" not in accepted:
        return body, {}
    return gzip.compress(body, _QUICK, mtime=0), {"Content-Encoding": "gzip"}
