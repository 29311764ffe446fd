"""What tests can make the in-memory host do."""

import pytest

from castalia.errors import Busy, GuestError, HostUnreachable
from castalia.hypervisor.driver import ExecResult, HostSignal, HypervisorDriver
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.model.vm import VmState

XML = """<domain type='qemu'><name>web1</name><memory unit='MiB'>64</memory><devices>
<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
</devices></domain>"""


@pytest.fixture
def driver() -> MemoryDriver:
    driver = MemoryDriver()
    driver.connect()
    return driver


@pytest.fixture
def uuid(driver: MemoryDriver) -> str:
    return driver.define(XML)


def test_it_fulfils_the_protocol(driver: MemoryDriver) -> None:
    checked: HypervisorDriver = driver
    assert checked.connected


def test_a_lost_host_says_so_and_fails_fast(driver: MemoryDriver, uuid: str) -> None:
    seen: list[HostSignal] = []
    driver.watch(seen.append)
    driver.lose("the cable was cut")

    assert seen == [HostSignal(kind="closed", detail="the cable was cut")]
    assert not driver.connected
    for call in (driver.snapshot, driver.connect):
        with pytest.raises(HostUnreachable, match="the cable was cut"):
            call()

    driver.return_()
    driver.connect()
    assert driver.vm(uuid).definition.name == "web1"


def test_a_call_fails_as_often_as_planned(driver: MemoryDriver, uuid: str) -> None:
    driver.faults.fail("start", Busy("later"), times=2)
    for _ in range(2):
        with pytest.raises(Busy):
            driver.start(uuid)
    driver.start(uuid)
    assert driver.faults.calls.count("start") == 3


def test_somebody_else_can_be_quicker(driver: MemoryDriver, uuid: str) -> None:
    driver.start(uuid)
    driver.faults.interject("stop", lambda: driver.guest_powers_off(uuid))
    driver.stop(uuid)
    assert driver.vm(uuid).state is VmState.STOPPED


def test_a_guest_answers_and_obeys_as_told(driver: MemoryDriver, uuid: str) -> None:
    driver.start(uuid)
    assert driver.guest_exec(uuid, ["echo", "a", "b"]).stdout == b"a b"
    failing = ExecResult(exit_code=1, stdout=b"", stderr=b"no")
    driver.guest(uuid).program = lambda _argv, _stdin: failing
    assert driver.guest_exec(uuid, ["x"]) == failing

    driver.guest(uuid).obeys_agent = False
    driver.request_shutdown(uuid, via="agent")
    assert driver.vm(uuid).state is VmState.RUNNING
    driver.agent(uuid, connected=False)
    with pytest.raises(GuestError):
        driver.request_shutdown(uuid, via="agent")
    driver.request_shutdown(uuid, via="acpi")
    assert driver.vm(uuid).state is VmState.STOPPED


def test_a_guest_can_hold_on_to_a_device(driver: MemoryDriver, uuid: str) -> None:
    driver.start(uuid)
    driver.guest(uuid).lets_devices_go = False
    nic = "<interface type='network'><mac address='52:54:00:00:00:01'/></interface>"
    with pytest.raises(GuestError):
        driver.detach_device(uuid, nic, live=True)
    assert len(driver.vm(uuid).definition.nics) == 1


def test_addresses_are_given_out_in_order(driver: MemoryDriver, uuid: str) -> None:
    assert driver.addresses(uuid) == []
    driver.start(uuid)
    (address,) = driver.addresses(uuid)
    assert address.ip == "192.168.122.2"
    assert driver.leases("default")[0].ip == "192.168.122.2"
    assert driver.leases("default")[0].hostname == "web1"
