"""Hosts that refuse, or take the connection and then say nothing."""

import contextlib
import socket

import pytest

from castalia.errors import HostUnreachable
from castalia.hypervisor.connection import LibvirtConnection
from castalia.settings import HostSettings


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connection_to(server) -> LibvirtConnection:
    port = server.getsockname()[1]
    settings = HostSettings(probe_timeout_s=1, open_timeout_s=0.5)
    return LibvirtConnection(f"qemu+tcp://127.0.0.1:{port}/system", settings=settings)


def test_a_silent_host_is_given_up_again_and_again(listener):
    connection = connection_to(listener)
    for _ in range(2):
        with pytest.raises(HostUnreachable, match=r"did not answer within 0\.5 s"):
            connection.connect()
    assert not connection.connected
    with pytest.raises(HostUnreachable, match="did not answer"):
        connection.handle()


def test_a_full_queue_of_connections_times_out(listener):
    connection = connection_to(listener)
    listener.listen(0)
    with contextlib.ExitStack() as waiting:
        address = listener.getsockname()
        for _ in range(3):
            fill = waiting.enter_context(socket.socket())
            fill.setblocking(False)
            fill.connect_ex(address)
        with pytest.raises(HostUnreachable, match="within 1 s"):
            connection.connect()


def test_a_closed_port_is_told_at_once(listener):
    connection = connection_to(listener)
    listener.close()
    with pytest.raises(HostUnreachable, match="nothing listens on TCP port"):
        connection.connect()


def test_an_unknown_name_is_told(monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(HostUnreachable, match="cannot be resolved"):
        LibvirtConnection("qemu+tls://nowhere.invalid/system").connect()
