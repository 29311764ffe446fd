"""What needs a living guest: its agent, addresses, hot plug, console."""

import shutil
import subprocess

import pytest
from tests.contract.hypervisor.signals import Signals

from castalia.errors import GuestError, InvalidRequest
from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver_libvirt import LibvirtDriver
from castalia.libvirtxml.device_build import disk_xml, nic_xml
from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan, NicPlan
from castalia.model.ids import new_uuid
from castalia.model.vm import AddressSource, VmState

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MAC = "52:54:00:ca:57:01"
SECOND = NicPlan(mac="52:54:00:ca:57:02", source="default")


@pytest.fixture(scope="module")
def signals():
    return Signals(limit_s=90)


@pytest.fixture(scope="module")
def driver(lab_host, signals):
    driver = LibvirtDriver(LibvirtConnection(lab_host.uri))
    driver.watch(signals)
    driver.connect()
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def disks(lab_host, micro_image):
    """A linked clone of the micro guest's disk, and an empty disk."""
    directory = lab_host.outside("/var/lib/libvirt/images")
    base = directory / "micro-base.qcow2"
    shutil.copy(micro_image, base)
    base.chmod(0o644)
    inside = "/var/lib/libvirt/images"
    for name, backing, size in (("guest", base.name, []), ("blank", "", ["64M"])):
        linked = ["-b", backing, "-F", "qcow2"] if backing else []
        path = directory / f"{name}.qcow2"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", *linked, str(path), *size], check=True
        )
        path.chmod(0o666)
    return f"{inside}/guest.qcow2", f"{inside}/blank.qcow2"


@pytest.fixture(scope="module")
def uuid(driver, disks, signals):
    plan = DomainPlan(
        name="living",
        uuid=new_uuid(),
        memory_mib=160,
        max_memory_mib=192,
        vcpus=1,
        max_vcpus=2,
        disks=(DiskPlan(path=disks[0]),),
        nics=(NicPlan(mac=MAC, source="default"),),
    )
    uuid = driver.define(build_domain(plan))
    driver.start(uuid)
    signals.wait("agent", uuid, "connected")
    yield uuid
    driver.stop(uuid)
    driver.undefine(uuid)


def test_the_agent_is_ready_when_it_signals(driver, uuid):
    assert driver.agent_ready(uuid)
    assert driver.vm(uuid).agent_connected
    assert driver.snapshot().vms[0].agent_connected


def test_commands_run_in_the_guest(driver, uuid):
    result = driver.guest_exec(
        uuid, ["/bin/sh", "-c", "cat; echo problem >&2; exit 3"], stdin=b"hello\n"
    )
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"hello\n", b"problem\n")
    assert not result.truncated


def test_braces_are_no_format(driver, uuid):
    assert driver.guest_exec(uuid, ["/bin/echo", "{0}{x}"]).stdout == b"{0}{x}\n"


def test_a_missing_program_is_named(driver, uuid):
    with pytest.raises(GuestError, match="cannot run /no/such") as caught:
        driver.guest_exec(uuid, ["/no/such"])
    assert caught.value.code == "guest.no-program"


def test_a_command_that_does_not_end_is_killed(driver, uuid):
    with pytest.raises(GuestError, match="did not end within"):
        driver.guest_exec(uuid, ["/bin/sleep", "1234"], timeout_s=0.3)
    listing = driver.guest_exec(uuid, ["/bin/ps"]).stdout
    assert b"sleep 1234" not in listing


@pytest.mark.parametrize("stream", ["1", "2"])
def test_long_output_is_cut_and_said_to_be(driver, uuid, stream):
    line = f"head -c 14000000 /dev/zero >&{stream}; echo end >&{stream}; exit 7"
    result = driver.guest_exec(uuid, ["/bin/sh", "-c", line], timeout_s=60)
    assert result.truncated
    assert len(result.stdout) + len(result.stderr) == 1024 * 1024
    assert result.exit_code == 7
    assert driver.agent_ready(uuid)


def test_too_much_input_is_refused(driver, uuid):
    with pytest.raises(InvalidRequest):
        driver.guest_exec(uuid, ["/bin/cat"], stdin=bytes(1024 * 1024 + 1))


def test_addresses_come_from_the_agent_and_from_the_lease(driver, uuid, signals):
    for _ in range(60):
        addresses = driver.addresses(uuid)
        if any(address.source is AddressSource.AGENT for address in addresses):
            break
        driver.guest_exec(uuid, ["/bin/sleep", "0.5"])
    (address,) = [address for address in addresses if ":" not in address.ip]
    assert address.source is AddressSource.AGENT
    assert address.mac == MAC


def test_memory_goes_down_and_up_by_the_balloon(driver, uuid, signals):
    driver.set_memory(uuid, 128, live=True)
    signals.wait("vm", uuid, "memory")
    assert driver.vm(uuid).next_definition is None or (
        driver.vm(uuid).next_definition.memory_mib == 128
    )
    driver.set_memory(uuid, 160, live=True)


def test_vcpus_come_and_are_taken_offline(driver, uuid):
    online = ["/bin/cat", "/sys/devices/system/cpu/online"]
    driver.set_vcpus(uuid, 2, live=True)
    assert driver.guest_exec(uuid, online).stdout == b"0-1\n"
    driver.set_vcpus(uuid, 1, live=True)
    assert driver.guest_exec(uuid, online).stdout == b"0\n"
    driver.set_vcpus(uuid, 2, live=True)
    assert driver.guest_exec(uuid, online).stdout == b"0-1\n"


def test_a_card_comes_and_goes(driver, uuid, signals):
    device = nic_xml(SECOND)
    driver.attach_device(uuid, device, live=True)
    assert len(driver.vm(uuid).definition.nics) == 2

    driver.detach_device(uuid, device, live=True)

    facts = driver.vm(uuid)
    assert len(facts.definition.nics) == 1
    assert facts.next_definition is None or len(facts.next_definition.nics) == 1
    signals.wait("vm", uuid, "device-removed")


def test_a_disk_comes_grows_and_goes(driver, uuid, disks):
    device = disk_xml(DiskPlan(path=disks[1], bus="virtio", target="vdx"))
    driver.attach_device(uuid, device, live=True)
    driver.resize_block(uuid, "vdx", 128 * 1024**2)
    sizes = driver.guest_exec(uuid, ["/bin/sh", "-c", "cat /sys/block/vd*/size"]).stdout.split()
    assert str(128 * 1024**2 // 512).encode() in sizes
    driver.detach_device(uuid, device, live=True)
    assert "vdx" not in {disk.target for disk in driver.vm(uuid).definition.disks}


def test_a_guest_that_is_paused_does_not_let_go(driver, uuid, monkeypatch):
    monkeypatch.setattr("castalia.hypervisor.driver_libvirt_devices.DETACH_S", 0.1)
    device = nic_xml(SECOND)
    driver.attach_device(uuid, device, live=True)
    driver.pause(uuid)
    with pytest.raises(GuestError, match="did not let the device go"):
        driver.detach_device(uuid, device, live=True)
    assert "52:54:00:ca:57:02" in driver.xml(uuid)

    driver.resume(uuid)
    monkeypatch.setattr("castalia.hypervisor.driver_libvirt_devices.DETACH_S", 20)
    driver.detach_device(uuid, device, live=True)
    assert "52:54:00:ca:57:02" not in driver.xml(uuid)


def test_the_serial_console_goes_both_ways(driver, uuid):
    serial = driver.open_serial(uuid)
    serial.write(b"\n")
    assert serial.read(timeout_s=30)
    serial.close()


def test_figures_are_the_guests(driver, uuid):
    (counters,) = [item for item in driver.vm_counters() if item.uuid == uuid]
    assert counters.disk_read_bytes > 1_000_000
    assert counters.net_tx_bytes > 0
    assert counters.vcpus >= 1


def test_it_survives_a_suspension(driver, uuid, signals):
    signals.clear()
    driver.suspend(uuid)
    assert driver.vm(uuid).state is VmState.SUSPENDED
    driver.start(uuid)
    signals.wait("agent", uuid, "connected")
    assert driver.agent_ready(uuid)


def test_the_agent_shuts_it_down(driver, uuid, signals):
    signals.clear()
    driver.request_shutdown(uuid, via="agent")
    signals.wait("vm", uuid, "stopped")
    assert driver.vm(uuid).state is VmState.STOPPED
    assert driver.vm(uuid).state_reason == "shut down by the guest"
