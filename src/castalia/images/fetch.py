"""Downloads an image by URL: resumable, bounded, checked, and only from where it is allowed.

A download that was interrupted, even by the end of this process, goes on where it stopped, if the
server can tell that the file is still the same (If-Range, RFC 9110, 13.1.5).
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from castalia.errors import ImageError, InvalidRequest, StorageError, TemporaryError
from castalia.images.addresses import AddressPolicy, checked_target, checked_url
from castalia.images.checksum import Checksum
from castalia.images.command import Check, Progress, ignore_progress, keep_going
from castalia.images.fetch_state import FetchState, durable, forget, partial_of
from castalia.images.room import room
from castalia.model.amount import GIB, format_bytes

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 8
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_POLL_S = 0.2
_AGAIN = "Start the download again: what is here already is kept."


@dataclass(frozen=True, kw_only=True)
class FetchRules:
    """What a download may do. Through `proxy` (an http URL) names are looked up by the proxy, so
    the proxy, not `policy`, decides which addresses can be reached. A server that sends less than
    `least_bytes_s` over `least_over_s` seconds is given up: only a few downloads run at a time, and
    one that trickles would keep a place from all others."""

    max_bytes: int = 256 * GIB
    policy: AddressPolicy = field(default_factory=AddressPolicy)
    proxy: str = ""
    attempts: int = 6
    backoff_s: float = 1.0
    timeout_s: float = 30.0
    least_bytes_s: float = 1024.0
    least_over_s: float = 60.0


class _Interrupted(Exception):
    """This attempt ended early; the next one may go on."""


def fetch(
    url: str,
    destination: Path,
    *,
    rules: FetchRules | None = None,
    checksum: Checksum | None = None,
    progress: Progress = ignore_progress,
    check: Check = keep_going,
) -> Path:
    """Downloads `url` to `destination`, which appears when all of it is here and checked.

    What `check` raises passes through, and the part stays to be resumed; `discard` removes it.
    Raises InvalidRequest, Forbidden (an address that is not allowed), ImageError (refused, too
    large, wrong checksum), StorageError (no space), TemporaryError (interrupted too often).
    """
    download = _Download(
        url=checked_url(url),
        partial=partial_of(destination),
        rules=rules or FetchRules(),
        progress=progress,
        check=check,
    )
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        with room():
            download.complete()
            durable(download.partial)
    except StorageError:
        forget(download.partial)
        raise
    if checksum is not None:
        progress(99, "Comparing the checksum")
        _verify(checksum, download.partial, check)
    download.partial.replace(destination)
    forget(download.partial)
    progress(100, "Downloaded")
    return destination


def discard(destination: Path) -> None:
    """Removes what an unfinished download to `destination` has left; nothing there is no error."""
    forget(partial_of(destination))


@dataclass(kw_only=True)
class _Pace:
    """How much comes in each stretch of time."""

    rules: FetchRules
    offset: int
    since: float = field(default_factory=time.monotonic)

    def check(self, offset: int) -> None:
        """Raises ImageError when the last stretch brought too little."""
        elapsed_s = time.monotonic() - self.since
        if elapsed_s < self.rules.least_over_s:
            return
        if offset - self.offset < self.rules.least_bytes_s * elapsed_s:
            raise ImageError(
                f"The server sends less than {format_bytes(round(self.rules.least_bytes_s))}/s.",
                code="image.too-slow",
                remedy="Try another address, or fetch the file by other means and upload it.",
            )
        self.offset, self.since = offset, time.monotonic()


@dataclass(frozen=True, kw_only=True)
class _Download:
    url: str
    partial: Path
    rules: FetchRules
    progress: Progress
    check: Check

    def complete(self) -> None:
        """Tries until the file is here; an attempt that brought bytes does not count as a
        failure."""
        failures = 0
        while True:
            before = self._size()
            try:
                return self._attempt()
            except (_Interrupted, httpx.TransportError) as exc:
                failures = 1 if self._size() > before else failures + 1
                if failures >= self.rules.attempts:
                    raise _gave_up(exc) from exc
                self._pause(self.rules.backoff_s * 2 ** (failures - 1))

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.is_file() else 0

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _POLL_S))

    def _attempt(self) -> None:
        state = FetchState.of(self.partial, url=self.url)
        offset = state.resume_from(self.partial)
        with _client(self.rules) as client, self._response(client, state, offset) as response:
            if response.status_code == 416:
                forget(self.partial)
                raise _Interrupted("the server has another file now")
            _refuse_failure(response)
            offset = offset if _continues(response, offset) else 0
            state = _state(response, self.url, offset)
            self._check_size(state.size_bytes)
            state.save(self.partial)
            with self.partial.open("r+b" if offset else "wb") as file:
                file.seek(offset)
                file.truncate()
                received = self._receive(response, file, offset, state.size_bytes)
        if 0 <= state.size_bytes != received:
            raise _Interrupted(f"{received} of {state.size_bytes} bytes")

    @contextmanager
    def _response(
        self, client: httpx.Client, state: FetchState, offset: int
    ) -> Iterator[httpx.Response]:
        """Follows redirects by hand, because every address on the way is checked."""
        url = self.url
        for _ in range(_MAX_REDIRECTS):
            self.check()
            request = _request(client, url, self.rules, state, offset)
            response = client.send(request, stream=True)
            try:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                url = _redirected(url, response)
            finally:
                response.close()
        raise ImageError("The address redirects in circles.", code="image.redirects")

    def _receive(
        self, response: httpx.Response, file: BinaryIO, offset: int, size_bytes: int
    ) -> int:
        # As they come: gathered into larger pieces, the last ones before a cut would be lost.
        pace = _Pace(rules=self.rules, offset=offset)
        for chunk in response.iter_raw():
            self.check()
            pace.check(offset + len(chunk))
            self._check_size(offset + len(chunk))
            file.write(chunk)
            offset += len(chunk)
            self._report(offset, size_bytes)
        return offset

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.rules.max_bytes:
            forget(self.partial)
            raise ImageError(
                f"The file is larger than the {format_bytes(self.rules.max_bytes)} allowed.",
                remedy="Choose a smaller image, or have the limit raised in the settings.",
                code="image.too-large",
            )

    def _report(self, done: int, size_bytes: int) -> None:
        if size_bytes > 0:
            of = f" of {format_bytes(size_bytes)}"
            self.progress(min(98, done * 98 // size_bytes), f"{format_bytes(done)}{of}")
        else:
            self.progress(0, format_bytes(done))


def _client(rules: FetchRules) -> httpx.Client:
    return httpx.Client(
        follow_redirects=False,
        trust_env=False,
        timeout=rules.timeout_s,
        # The machine's own trust store: in-house mirrors have in-house authorities.
        verify=ssl.create_default_context(),
        proxy=rules.proxy or None,
    )


def _request(
    client: httpx.Client, url: str, rules: FetchRules, state: FetchState, offset: int
) -> httpx.Request:
    """Connects to the address that was checked, not to whatever the name means a moment later."""
    parts = urlsplit(checked_url(url))
    headers = {"Host": parts.netloc, "Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": state.validator}
    if rules.proxy:
        return client.build_request("GET", url, headers=headers)
    address = checked_target(url, rules.policy)
    target = httpx.URL(url).copy_with(host=address)
    extensions = {"sni_hostname": parts.hostname}
    return client.build_request("GET", target, headers=headers, extensions=extensions)


def _redirected(url: str, response: httpx.Response) -> str:
    target: str = urljoin(url, response.headers.get("Location", ""))
    try:
        checked_url(target)
    except InvalidRequest as exc:
        raise _bad_redirect(target) from exc
    if url.startswith("https:") and not target.startswith("https:"):
        raise _bad_redirect(target)
    return target


def _bad_redirect(target: str) -> ImageError:
    return ImageError(
        "The address redirects to where nothing is downloaded from.",
        remedy="Give the final address, with http or https.",
        code="image.redirect-refused",
        detail=f"redirected to {target[:500]!r}",
    )


def _refuse_failure(response: httpx.Response) -> None:
    status = response.status_code
    if status in _TEMPORARY:
        raise _Interrupted(f"the server answered {status}")
    if status not in (200, 206):
        raise ImageError(
            f"The server answered {status} {response.reason_phrase}.",
            remedy="See whether the address is right and needs no login.",
            code="image.not-served",
        )
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ImageError("The server sends the file in an encoding that was not asked for.")


def _continues(response: httpx.Response, offset: int) -> bool:
    """Whether the answer is the rest that was asked for, and not the whole file anew."""
    if response.status_code != 206:
        return False
    if not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
        raise ImageError("The server sends another part of the file than was asked for.")
    return True


def _state(response: httpx.Response, url: str, offset: int) -> FetchState:
    length = response.headers.get("Content-Length", "")
    etag = response.headers.get("ETag", "")
    strong = etag if etag and not etag.startswith("W/") else ""
    state = FetchState(url=url, validator=strong or response.headers.get("Last-Modified", ""))
    return replace(state, size_bytes=offset + int(length)) if length.isdecimal() else state


def _verify(checksum: Checksum, partial: Path, check: Check) -> None:
    try:
        checksum.verify(partial, check=check)
    except ImageError:
        forget(partial)
        raise


def _gave_up(cause: Exception) -> TemporaryError:
    message = "The download was interrupted too often."
    code = "image.download-interrupted"
    return TemporaryError(message, remedy=_AGAIN, code=code, detail=repr(cause))
