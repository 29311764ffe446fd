"""Downloads from a real HTTP server on loopback, which misbehaves as it is told."""

import hashlib
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from castalia.errors import Forbidden, ImageError, StorageError, TemporaryError
from castalia.images.addresses import AddressPolicy
from castalia.images.checksum import Checksum
from castalia.images.fetch import FetchRules, discard, fetch
from castalia.images.fetch_state import partial_of

CONTENT = bytes(range(256)) * 4096 * 4
RULES = FetchRules(policy=AddressPolicy(allow_private=True), attempts=3, backoff_s=0.001)


@dataclass
class Site:
    """What the server serves, and how. `requests` are the headers it has seen."""

    content: bytes = CONTENT
    etag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    redirect: str = ""
    ranges: bool = True
    chunked: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Silent."""

    def do_GET(self):
        site = self.server.site
        site.requests.append({"path": self.path, **dict(self.headers)})
        self.close_connection = True
        if site.statuses:
            self.head(site.statuses.pop(0), {"Content-Length": "0"})
        elif site.redirect and self.path == "/start":
            self.head(302, {"Location": site.redirect, "Content-Length": "0"})
        elif (start := self.start(site)) and start >= len(site.content):
            self.head(416, {"Content-Length": "0"})
        else:
            self.serve(site, start)

    def serve(self, site, start):
        body = site.content[start:]
        headers = {"ETag": site.etag} if site.etag else {}
        if not site.chunked:
            headers["Content-Length"] = str(len(body))
        if start:
            total = len(site.content)
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        self.head(206 if start else 200, headers | site.headers)
        self.wfile.write(body[: site.cut_after.pop(0)] if site.cut_after else body)

    def start(self, site):
        wanted = self.headers.get("Range", "")
        same = self.headers.get("If-Range") == site.etag
        return int(wanted[6:].rstrip("-")) if wanted and same and site.ranges else 0

    def head(self, status, headers):
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    site: Site

    def handle_error(self, request, client_address):
        """Silent: clients that hang up are what is tested."""


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.site = Site()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def site(server):
    return server.site


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_address[1]}/start"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "library/image.qcow2"


def left(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_arrives_whole(url, target):
    seen: list[int] = []
    fetch(url, target, rules=RULES, progress=lambda percent, message: seen.append(percent))
    assert target.read_bytes() == CONTENT
    assert left(target) == ["image.qcow2"]
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_a_chunked_file_of_unknown_size_arrives(site, url, target):
    site.chunked = True
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT


def test_a_cut_download_goes_on_where_it_stopped(site, url, target):
    site.cut_after = [1_000_000, 2_000_000]
    fetch(url, target, rules=RULES)
    assert target.read_bytes() == CONTENT
    ranges = [request.get("Range") for request in site.requests]
    assert ranges[0] is None
    assert 0 < int(ranges[1][6:-1]) <= 1_000_000
    assert int(ranges[2][6:-1]) > int(ranges[1][6:-1])
    assert site.requests[1]["If-Range"] == '"one"'


class Stop(Exception):
    pass


def interrupted(url, target, site):
    """A download whose process ended in the middle, as far as the disk can tell."""
    site.cut_after = [1_500_000]

    def check():
        part = partial_of(target)
        if site.cut_after == [] and part.exists() and part.stat().st_size:
            raise Stop

    with pytest.raises(Stop):
        fetch(url, target, rules=RULES, check=check)
    assert partial_of(target).stat().st_size > 0
    site.requests.clear()


def test_it_goes_on_after_a_restart(site, url, target):
    interrupted(url, target, site)
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT
    assert "Range" in site.requests[0]
    assert left(target) == ["image.qcow2"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(site, url, target):
    interrupted(url, target, site)
    site.etag, site.content = '"two"', CONTENT[::-1]
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_is_fetched_anew(site, url, target):
    interrupted(url, target, site)
    site.ranges = False
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_resumed(site, url, target, etag):
    site.etag = etag
    site.cut_after = [1_000_000]
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT
    assert all("Range" not in request for request in site.requests)


def test_another_part_than_the_one_asked_for_is_refused(site, url, target):
    interrupted(url, target, site)
    site.headers = {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"}
    with pytest.raises(ImageError, match="another part"):
        fetch(url, target, rules=RULES)


def test_a_part_of_another_address_is_not_continued(site, url, target):
    interrupted(url, target, site)
    other = f"{url}?other"
    assert fetch(other, target, rules=RULES).read_bytes() == CONTENT
    assert "Range" not in site.requests[0]


def test_discard_removes_what_is_left(site, url, target):
    interrupted(url, target, site)
    discard(target)
    discard(target)
    assert left(target) == []


def test_a_part_longer_than_the_file_starts_over(site, url, target):
    interrupted(url, target, site)
    with partial_of(target).open("ab") as file:
        file.truncate(len(CONTENT) + 5)
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT


def test_a_part_that_is_the_whole_is_found_out(site, url, target):
    interrupted(url, target, site)
    partial_of(target).write_bytes(CONTENT)
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again(site, url, target):
    site.statuses = [503, 429]
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT
    assert len(site.requests) == 3


def test_too_many_failures_are_temporary(site, url, target):
    site.statuses = [503] * 9
    with pytest.raises(TemporaryError) as caught:
        fetch(url, target, rules=RULES)
    assert caught.value.remedy
    assert len(site.requests) == RULES.attempts


def test_a_missing_file_is_final(site, url, target):
    site.statuses = [404]
    with pytest.raises(ImageError, match="404"):
        fetch(url, target, rules=RULES)
    assert len(site.requests) == 1
    assert left(target) == []


def test_a_checksum_decides(url, target):
    good = Checksum.parse(hashlib.sha512(CONTENT).hexdigest())
    assert fetch(url, target, rules=RULES, checksum=good).exists()
    target.unlink()
    with pytest.raises(ImageError) as caught:
        fetch(url, target, rules=RULES, checksum=Checksum.parse("0" * 64))
    assert caught.value.code == "image.checksum"
    assert left(target) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_file_is_refused(site, url, target, chunked):
    site.chunked = chunked
    with pytest.raises(ImageError) as caught:
        fetch(url, target, rules=replace(RULES, max_bytes=1_000_000))
    assert caught.value.code == "image.too-large"
    assert left(target) == []


def test_redirects_are_followed(site, url, target):
    site.redirect = "/final"
    assert fetch(url, target, rules=RULES).read_bytes() == CONTENT
    assert [request["path"] for request in site.requests] == ["/start", "/final"]


@pytest.mark.parametrize("to", ["file:///etc/shadow", "ftp://example.org/x", "gopher://x/", ""])
def test_redirects_elsewhere_are_refused(site, url, target, to):
    site.redirect = to or "http://user:secret@127.0.0.1/x"
    with pytest.raises(ImageError) as caught:
        fetch(url, target, rules=RULES)
    assert caught.value.code == "image.redirect-refused"


def test_a_circle_of_redirects_ends(site, url, target):
    site.redirect = "/start"
    with pytest.raises(ImageError) as caught:
        fetch(url, target, rules=RULES)
    assert caught.value.code == "image.redirects"


def test_private_addresses_are_refused_before_a_connection(site, url, target):
    with pytest.raises(Forbidden):
        fetch(url, target, rules=FetchRules())
    assert site.requests == []


def test_a_redirect_to_a_private_address_is_refused(site, url, target):
    site.redirect = "http://127.0.0.2:1/x"
    policy = AddressPolicy(allowed_networks=("127.0.0.1/32",))
    with pytest.raises(Forbidden):
        fetch(url, target, rules=replace(RULES, policy=policy))


def test_the_connection_goes_to_the_address_that_was_checked(site, url, target, monkeypatch):
    """The name is not looked up a second time: by then it could mean another address."""
    asked: list[str] = []

    def target_of(address, policy):
        asked.append(address)
        return "127.0.0.1"

    monkeypatch.setattr("castalia.images.fetch.checked_target", target_of)
    named = url.replace("127.0.0.1", "does-not-resolve.invalid")
    assert fetch(named, target, rules=RULES).read_bytes() == CONTENT
    assert asked == [named]
    assert site.requests[0]["Host"].startswith("does-not-resolve.invalid:")


def test_an_encoding_that_was_not_asked_for_is_refused(site, url, target):
    site.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(ImageError):
        fetch(url, target, rules=RULES)


def test_a_full_disk_is_said_and_cleared(site, url, target, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("castalia.images.fetch.durable", full)
    with pytest.raises(StorageError, match="no space"):
        fetch(url, target, rules=RULES)
    assert left(target) == []


def test_a_refused_connection_is_temporary(server, url, target):
    server.shutdown()
    server.server_close()
    with pytest.raises(TemporaryError):
        fetch(url, target, rules=RULES)


def test_a_server_that_trickles_is_given_up(site, url, target):
    rules = replace(RULES, least_bytes_s=1e15, least_over_s=0.0)
    with pytest.raises(ImageError) as refused:
        fetch(url, target, rules=rules)
    assert refused.value.code == "image.too-slow"
    assert len(site.requests) == 1
