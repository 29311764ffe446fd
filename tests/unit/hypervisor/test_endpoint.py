"""libvirt addresses taken apart."""

import pytest

from castalia.errors import InvalidRequest
from castalia.hypervisor.endpoint import parse_endpoint


@pytest.mark.parametrize(
    ("uri", "host", "port", "local"),
    [
        ("qemu:///system", "", 0, True),
        ("qemu+unix:///system?socket=/run/x", "", 0, True),
        ("qemu:///session", "", 0, True),
        ("test:///default", "", 0, True),
        ("qemu+tls://h1/system", "h1", 16514, False),
        ("qemu://h1/system", "h1", 16514, False),
        ("qemu+ssh://root@h1/system", "h1", 22, False),
        ("qemu+ssh://root@h1:2222/system", "h1", 2222, False),
        ("qemu+tcp://[fd00::1]/system", "fd00::1", 16509, False),
        ("xen+ssh://root@h1/system", "h1", 22, False),
    ],
)
def test_an_address_names_host_and_port(uri: str, host: str, port: int, local: bool) -> None:
    endpoint = parse_endpoint(uri)
    assert (endpoint.host, endpoint.port, endpoint.local) == (host, port, local)


@pytest.mark.parametrize(
    "uri",
    [
        "", "h1", "qemu", "http://h1/", "vbox:///session", "qemu+ftp://h1/system",
        "qemu+tls://h1:99999/system", "qemu+tls://[::1/system", "qemu://",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_field(uri: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_endpoint(uri)
    assert caught.value.field == "uri"
    assert "qemu:///system" in caught.value.remedy


def test_ssh_is_told_to_ask_nobody() -> None:
    opening = parse_endpoint("qemu+ssh://h1/system?keyfile=/k").opening_uri
    assert opening == "qemu+ssh://h1/system?keyfile=/k&no_tty=1"
    assert parse_endpoint(opening).opening_uri == opening
    assert parse_endpoint("qemu:///system").opening_uri == "qemu:///system"


@pytest.mark.parametrize(
    ("uri", "uid", "session"),
    [
        ("qemu:///session", 1000, True),
        ("qemu:///session", 0, False),
        ("qemu:///session?socket=/run/user/1000/libvirt-sock", 0, True),
        ("qemu+ssh://h1/session", 0, True),
        ("qemu:///system", 1000, False),
    ],
)
def test_a_users_own_libvirt_is_told_from_the_systems(
    monkeypatch: pytest.MonkeyPatch, uri: str, uid: int, session: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert parse_endpoint(uri).session is session
