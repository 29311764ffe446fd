"""Static files under addresses that hold a digest of their content, so browsers may keep them for
ever.

Modules import each other by relative addresses; a digest per tree, not per file, keeps that
working.
"""

import gzip
import hashlib
import json
import mimetypes
from functools import lru_cache
from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from castalia.errors import NotFound
from castalia.http.security import public

STATIC = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_TEXT = {".css", ".js", ".svg", ".json", ".txt"}
_MISSING = "none"

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")

router = APIRouter(dependencies=[public("styles, scripts and pictures; the login page needs them")])


@lru_cache
def vendor_digest() -> str:
    """The digest of the fetched assets, as written when they were copied; `none` without them."""
    manifest = STATIC / "vendor" / "manifest.json"
    return str(json.loads(manifest.read_text())["digest"]) if manifest.exists() else _MISSING


@lru_cache
def own_digest() -> str:
    """The digest of our own styles, scripts and pictures."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and "vendor" not in path.relative_to(STATIC).parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def asset_url(path: str) -> str:
    """The address of a static file (`js/app.js`, `vendor/htmx.js`)."""
    digest = vendor_digest() if path.startswith("vendor/") else own_digest()
    return f"/static/{digest}/{path}"


@lru_cache(maxsize=256)
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _file(path: str) -> Path:
    pure = PurePosixPath(path)
    found = STATIC / pure
    if pure.is_absolute() or ".." in pure.parts or not found.is_file():
        raise NotFound("There is no such file.")
    return found


@router.get("/static/{digest}/{path:path}", include_in_schema=False)
def static_file(request: Request, digest: str, path: str) -> Response:
    """A static file, compressed where that helps; kept for ever when the digest is today's."""
    file = _file(path)
    current = digest == (vendor_digest() if path.startswith("vendor/") else own_digest())
    headers = {"Cache-Control": _FOREVER if current else "no-cache", "Vary": "Accept-Encoding"}
    media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if file.suffix in _TEXT and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(_packed(file), media_type=media, headers=headers)
    return Response(file.read_bytes(), media_type=media, headers=headers)
