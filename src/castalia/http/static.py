"""Files that everybody may have: style sheets, scripts, fonts, pictures."""

from os import PathLike, stat_result

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOREVER = "public, max-age=31536000, immutable"
_CHECK_FIRST = "public, no-cache"


class PublicFiles(StaticFiles):
    """A directory served without login. An address with a version (`?v=…`) is cached for good, any
    other is asked for again and answered 304."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Adds the caching header to Starlette's answer."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = _FOREVER if versioned else _CHECK_FIRST
        return response
