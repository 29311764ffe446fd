"""Screens, keys, serial consoles."""

import os
import socket

import pytest

from castalia.errors import Conflict, InvalidRequest

KEY_A = 30


def read_to_the_end(serial):
    """Returns once the console says that it ended."""
    try:
        while serial.read(timeout_s=20):
            pass
    except EOFError:
        return
    pytest.fail("the console did not end")


def test_keys_and_pictures(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    bench.driver.send_keys(uuid, [KEY_A])
    picture, mime = bench.driver.screenshot(uuid)
    beginnings = {"image/png": b"\x89PNG", "image/x-portable-pixmap": b"P6"}
    assert picture.startswith(beginnings[mime])


def test_no_key_is_no_request(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    with pytest.raises(InvalidRequest):
        bench.driver.send_keys(uuid, [])


def test_the_screen_speaks_vnc_without_a_port(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    with (
        bench.driver.open_graphics(uuid) as descriptor,
        socket.socket(fileno=os.dup(descriptor)) as screen,
    ):
        screen.settimeout(20)
        assert screen.recv(12) == b"RFB 003.008\n"
    assert all(screen.port == -1 for screen in bench.driver.vm(uuid).definition.graphics)


def test_one_at_a_time_has_the_serial_console(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    first = bench.driver.open_serial(uuid)
    with pytest.raises(Conflict) as caught:
        bench.driver.open_serial(uuid)
    assert caught.value.code == "console.taken"

    second = bench.driver.open_serial(uuid, force=True)
    read_to_the_end(first)
    first.close()
    second.close()
    second.close()
    bench.driver.open_serial(uuid).close()


def test_nothing_to_read_is_not_the_end(bench):
    uuid = bench.define()
    bench.driver.start(uuid, paused=True)
    serial = bench.driver.open_serial(uuid)
    assert serial.read(timeout_s=0.05) == b""
    serial.close()


def test_the_console_ends_with_the_vm(bench):
    uuid = bench.define()
    bench.driver.start(uuid)
    serial = bench.driver.open_serial(uuid)
    bench.driver.stop(uuid)
    read_to_the_end(serial)
    serial.close()
