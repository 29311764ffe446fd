"""Sends files to the manager in pieces; an interrupted upload goes on where it stopped."""

import sys
from pathlib import Path
from typing import Any

from castalia.cli.failures import CommandFailed, Exit
from castalia.cli.state import STATE

_PIECE_BYTES = 16 * 1024 * 1024
_TRIES = 5


def source_of(source: str, *, plan: bool = False) -> dict[str, str]:
    """The source for the API: the URL as it is, or a local file after it was uploaded."""
    if source.startswith(("http://", "https://")):
        return {"url": source}
    path = Path(source).expanduser()
    if not path.is_file():
        raise CommandFailed(
            f"There is no file {source}.", remedy="Name a file or a URL.", code=Exit.USAGE
        )
    return {"url": f"http://upload.invalid/{path.name}"} if plan else {"upload": send(path)}


def send(path: Path) -> str:
    """Uploads the file and returns the upload's id."""
    size_bytes = path.stat().st_size
    body = {"filename": path.name, "size_bytes": size_bytes}
    upload = STATE.client.change("POST", "/uploads", json=body)
    failures = 0
    with _bar(path.name, size_bytes) as advance:
        while upload["offset"] < size_bytes:
            try:
                upload = _send_piece(path, upload)
                failures = 0
            except CommandFailed as error:
                failures += 1
                if error.code not in (Exit.UNREACHABLE, Exit.TIMED_OUT) or failures >= _TRIES:
                    raise
                upload = STATE.client.get(f"/uploads/{upload['id']}")
            advance(upload["offset"])
    return str(upload["id"])


def _send_piece(path: Path, upload: dict[str, Any]) -> dict[str, Any]:
    with path.open("rb") as file:
        file.seek(upload["offset"])
        piece = file.read(_PIECE_BYTES)
    headers = {
        "Upload-Offset": str(upload["offset"]),
        "Content-Type": "application/offset+octet-stream",
    }
    answer: dict[str, Any] = STATE.client.request(
        "PATCH", f"/uploads/{upload['id']}", content=piece, headers=headers
    ).json()
    return answer


class _bar:  # noqa: N801 -- used like a function, as a context
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, title: str, total: int) -> None:
        from rich.markup import escape
        from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

        columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, transient=True, disable=not sys.stdout.isatty())
        self._task = self._progress.add_task(escape(title), total=total)

    def __enter__(self) -> Any:
        self._progress.start()
        return lambda done: self._progress.update(self._task, completed=done)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
