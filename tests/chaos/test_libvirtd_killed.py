"""libvirtd dies, hangs and comes back; VMs run on, and the driver knows at once."""

import contextlib
import os
import signal
import threading

import pytest
from tests.contract.hypervisor.conftest import vm_xml
from tests.contract.hypervisor.signals import Signals

from castalia.errors import CastaliaError, HostUnreachable
from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver_libvirt import LibvirtDriver
from castalia.model.vm import VmState
from castalia.settings import HostSettings

pytestmark = pytest.mark.real


@pytest.fixture
def driver(lab_host):
    driver = LibvirtDriver(
        LibvirtConnection(lab_host.uri, settings=HostSettings(keepalive_s=1, open_timeout_s=1))
    )
    driver.connect()
    yield driver
    with contextlib.suppress(HostUnreachable):
        driver.connect()
    for vm in driver.snapshot().vms:
        driver.stop(vm.definition.uuid)
        driver.undefine(vm.definition.uuid)
    driver.close()


@pytest.fixture
def signals(driver):
    signals = Signals()
    driver.watch(signals)
    return signals


def test_a_killed_libvirtd_is_noticed_and_its_vms_live_on(lab_host, driver, signals):
    uuid = driver.define(vm_xml("survivor"))
    driver.start(uuid)

    lab_host.kill_libvirtd()

    assert signals.wait("closed").detail == "libvirtd ended"
    assert not driver.connected
    with pytest.raises(HostUnreachable, match="libvirtd ended"):
        driver.vm(uuid)
    with pytest.raises(HostUnreachable, match="does not run"):
        driver.connect()

    lab_host.restart_libvirtd()
    driver.connect()

    assert driver.vm(uuid).state is VmState.RUNNING
    driver.pause(uuid)
    signals.wait("vm", uuid, "paused")


def test_what_changed_while_the_connection_was_down_is_read_again(lab_host, driver, signals):
    uuid = driver.define(vm_xml("changed"))
    assert driver.vm(uuid).definition.title == ""
    lab_host.restart_libvirtd()
    signals.wait("closed")

    with_title = vm_xml("changed").replace("<name>", f"<uuid>{uuid}</uuid><title>New</title><name>")
    other = LibvirtDriver(LibvirtConnection(lab_host.uri))
    other.connect()
    other.define(with_title)
    other.close()
    driver.connect()

    assert driver.vm(uuid).definition.title == "New"


def test_another_clients_change_is_seen(lab_host, driver, signals):
    uuid = driver.define(vm_xml("edited"))
    driver.vm(uuid)
    other = LibvirtDriver(LibvirtConnection(lab_host.uri))
    other.connect()
    other.set_vcpus(uuid, 3, live=False)
    other.define(other.xml(uuid).replace("<name>", "<title>New</title><name>"))
    other.close()
    signals.wait("vm", uuid, "defined")

    assert driver.vm(uuid).definition.title == "New"
    assert driver.snapshot().vms[0].definition.title == "New"


def test_a_hanging_libvirtd_is_given_up(lab_host, driver, signals):
    (pid,) = lab_host.processes(name="libvirtd")
    failures = []

    def call():
        try:
            driver.snapshot()
        except CastaliaError as error:
            failures.append(error)

    os.kill(pid, signal.SIGSTOP)
    try:
        waiting = threading.Thread(target=call)
        waiting.start()
        signals.wait("closed")
        assert not driver.connected
        waiting.join(timeout=30)
        assert [type(failure) for failure in failures] == [HostUnreachable]
        with pytest.raises(HostUnreachable, match="did not answer within 1 s"):
            driver.connect()
        with pytest.raises(HostUnreachable, match="did not answer within 1 s"):
            driver.connect()
    finally:
        os.kill(pid, signal.SIGCONT)
    _connect_when_it_is_back(driver)
    assert driver.connected


def _connect_when_it_is_back(driver):
    for _ in range(30):
        with contextlib.suppress(HostUnreachable):
            driver.connect()
            return
