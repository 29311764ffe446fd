import ipaddress
import socket

import pytest

from castalia.errors import Forbidden, InvalidRequest, TemporaryError
from castalia.images.addresses import AddressPolicy, checked_target, checked_url


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/shadow",
        "ftp://example.org/x",
        "gopher://example.org",
        "//example.org/x",
        "example.org/x",
        "http:///x",
        "http://user:secret@example.org/x",
        "http://[::1/x",
        "http://example.org:99999/x",
        "http://example.org/a b",
        "http://example.org/\n",
        "http://example.org/" + "x" * 5000,
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(InvalidRequest) as caught:
        checked_url(url)
    assert caught.value.field == "url"


def test_http_and_https_pass():
    for url in ("http://example.org/x.iso", "https://example.org:8443/x?y=1"):
        assert checked_url(url) == url


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[fe80::1]", "[fc00::1]"),
        *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]", "2130706433"),
    ],
)
def test_private_and_local_addresses_are_refused(host):
    with pytest.raises(Forbidden) as caught:
        checked_target(f"http://{host}/x", AddressPolicy())
    assert caught.value.remedy
    assert checked_target(f"http://{host}/x", AddressPolicy(allow_private=True))


def test_a_network_may_be_allowed():
    policy = AddressPolicy(allowed_networks=("10.9.0.0/16",))
    assert checked_target("http://10.9.1.1/x", policy) == "10.9.1.1"
    with pytest.raises(Forbidden):
        checked_target("http://10.8.1.1/x", policy)


def resolving(monkeypatch, *addresses):
    found = [(0, 0, 0, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)


def test_one_private_address_of_a_name_spoils_it(monkeypatch):
    resolving(monkeypatch, "93.184.215.14", "127.0.0.1")
    with pytest.raises(Forbidden):
        checked_target("http://rebound.example/x", AddressPolicy())
    resolving(monkeypatch, "93.184.215.14")
    assert checked_target("http://fine.example/x", AddressPolicy()) == "93.184.215.14"


def test_an_unknown_server_may_be_known_later(monkeypatch):
    def fail(*words, **options):
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(TemporaryError):
        checked_target("http://nowhere.example/x", AddressPolicy())


def test_public_addresses_are_allowed():
    policy = AddressPolicy()
    assert policy.allows(ipaddress.ip_address("93.184.215.14"))
    assert policy.allows(ipaddress.ip_address("2606:4700::1111"))
