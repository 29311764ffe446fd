"""libvirt's errors in our words."""

import libvirt
import pytest

from castalia.errors import (
    Busy,
    CastaliaError,
    Conflict,
    GuestError,
    HostUnreachable,
    HypervisorError,
    InsufficientCapacity,
    InvalidRequest,
    NotFound,
    StorageError,
    Unsupported,
)
from castalia.hypervisor.libvirt_errors import translated


def libvirt_error(words: str, code: int, domain: int = libvirt.VIR_FROM_QEMU):
    error = libvirt.libvirtError("call failed")
    error.err = (code, domain, words, 2, "", "", "", -1, -1)
    error.args = (words,)
    return error


CASES: list[tuple[str, int, type[CastaliaError], str]] = [
    ("Domain not found", libvirt.VIR_ERR_NO_DOMAIN, NotFound, "vm.not-found"),
    ("Network not found: no network", libvirt.VIR_ERR_NO_NETWORK, NotFound, "network.not-found"),
    (
        "operation failed: domain 'web1' already exists with uuid 1",
        libvirt.VIR_ERR_OPERATION_FAILED,
        Conflict,
        "vm.name-taken",
    ),
    (
        'internal error: process exited while connecting to monitor: Failed to get "write" lock',
        libvirt.VIR_ERR_INTERNAL_ERROR,
        Conflict,
        "volume.in-use",
    ),
    (
        "Cannot access storage file '/srv/x.qcow2': No such file or directory",
        libvirt.VIR_ERR_SYSTEM_ERROR,
        StorageError,
        "volume.missing",
    ),
    ("x: No space left on device", libvirt.VIR_ERR_SYSTEM_ERROR, StorageError, "storage.full"),
    (
        "cannot set up guest memory 'pc.ram': Cannot allocate memory",
        libvirt.VIR_ERR_INTERNAL_ERROR,
        InsufficientCapacity,
        "insufficient-capacity",
    ),
    (
        "operation failed: Not a migration stream",
        libvirt.VIR_ERR_OPERATION_FAILED,
        HypervisorError,
        "host.certificate-mismatch",
    ),
    (
        "Guest agent is not responding: QEMU guest agent is not connected",
        libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
        GuestError,
        "guest.agent-absent",
    ),
    (
        "argument unsupported: QEMU guest agent is not configured",
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
        GuestError,
        "guest.agent-absent",
    ),
    (
        "Cannot get interface MTU on 'br7': No such device",
        libvirt.VIR_ERR_SYSTEM_ERROR,
        NotFound,
        "network.bridge-missing",
    ),
    ("cannot acquire state change lock", libvirt.VIR_ERR_OPERATION_TIMEOUT, Busy, "busy"),
    ("not supported", libvirt.VIR_ERR_NO_SUPPORT, Unsupported, "unsupported"),
    ("XML error: no name", libvirt.VIR_ERR_XML_ERROR, InvalidRequest, "vm.definition-invalid"),
    ("something new", libvirt.VIR_ERR_INTERNAL_ERROR, HypervisorError, "hypervisor"),
    (
        "client socket is closed",
        libvirt.VIR_ERR_INTERNAL_ERROR,
        HostUnreachable,
        "host-unreachable",
    ),
]


@pytest.mark.parametrize(("words", "code", "expected", "our_code"), CASES)
def test_an_error_gets_our_words(
    words: str, code: int, expected: type[CastaliaError], our_code: str
) -> None:
    with pytest.raises(expected) as caught, translated("starting web1"):
        raise libvirt_error(words, code)
    assert type(caught.value) is expected
    assert caught.value.code == our_code
    assert caught.value.message.startswith("Starting web1 failed: ")
    assert words not in caught.value.message
    assert words in caught.value.detail
    assert isinstance(caught.value.__cause__, libvirt.libvirtError)


def test_an_error_of_the_transport_reports_the_lost_connection() -> None:
    lost: list[str] = []
    error = libvirt_error("Cannot recv data", libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC)
    with pytest.raises(HostUnreachable), translated("reading web1", lost=lost.append):
        raise error
    assert lost == ["Cannot recv data"]


def test_other_errors_do_not_report_it() -> None:
    lost: list[str] = []
    with pytest.raises(NotFound), translated("reading web1", lost=lost.append):
        raise libvirt_error("Domain not found", libvirt.VIR_ERR_NO_DOMAIN)
    assert lost == []
