"""Which addresses of hypervisors are connected to."""

import pytest

from castalia.errors import InvalidRequest
from castalia.services.host_address import checked_address, is_this_machine


@pytest.mark.parametrize(
    "uri",
    [
        "qemu:///system",
        "qemu:///session",
        "qemu+ssh://root@h1.example.org:2222/system?keyfile=/root/k&no_verify=1",
        "qemu+tls://h-1/system",
        "qemu+ssh://h1/system?proxy=native",
        "qemu+ssh://admin_2@[fe80::1%25eth0]/system",
        "qemu+unix:///system?socket=/run/x.sock",
        "xen+ssh://192.0.2.7/",
        "test:///default",
    ],
)
def test_addresses_of_hypervisors_pass(uri: str) -> None:
    assert checked_address(uri).scheme == uri.partition(":")[0]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "h1",
        "http://h1/",
        "qemu+ext:///system?command=/bin/x",
        "qemu+ssh://h1/system?command=/bin/x",
        "qemu+ssh://h1/system?%63ommand=/bin/x",
        "qemu+ssh://h1/system?keyfile=a;netcat=x",
        "qemu+ssh://h1/system?NETCAT",
        "qemu+ssh://-oProxyCommand=x/system",
        "qemu+ssh://-oX@h1/system",
        "qemu+ssh://a:secret@h1/system",
        "qemu+ssh://[h1/system",
        "qemu+ssh://h1:99999/system",
        "qemu+ssh://h1/sys tem",
        "qemu+ssh://h1/\n",
        "qemu+ssh://$(id)/system",
    ],
)
def test_anything_else_is_refused_with_the_field_and_a_remedy(uri: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_address(uri)
    assert caught.value.field == "uri"
    assert caught.value.remedy
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("uri", "here"),
    [
        ("qemu:///system", True),
        ("qemu+ssh://root@localhost/system", True),
        ("qemu+ssh://root@h1.example/system", False),
    ],
)
def test_which_hosts_are_this_machine(uri: str, here: bool) -> None:
    assert is_this_machine(uri) is here
