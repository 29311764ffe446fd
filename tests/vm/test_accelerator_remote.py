"""The accelerator's probe through libvirt alone."""

import pytest

from castalia.hypervisor.accelerator_remote import BOOT_DIRECTORY, RemoteProbe
from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver_libvirt import LibvirtDriver
from castalia.settings import AcceleratorSettings

pytestmark = pytest.mark.real

EMULATOR = "/usr/bin/qemu-system-x86_64"


@pytest.fixture
def driver(lab_host):
    lab_host.exec(["mkdir", "-p", BOOT_DIRECTORY])
    driver = LibvirtDriver(LibvirtConnection(lab_host.uri))
    driver.connect()
    yield driver
    driver.close()


def probe(driver, settings, domain_types=("qemu", "qemu")):
    found = RemoteProbe(
        relay=driver._relay, emulator=EMULATOR, settings=settings, domain_types=domain_types
    )
    return found.find(driver.connection.handle())


def leftovers(lab_host, driver):
    files = lab_host.exec(["ls", BOOT_DIRECTORY]).stdout
    pools = [pool.name() for pool in driver.connection.handle().listAllStoragePools(0)]
    return driver.snapshot().vms, files, [pool for pool in pools if "probe" in pool]


def test_two_probes_run_and_leave_nothing(lab_host, driver):
    finding = probe(driver, AcceleratorSettings(probe_limit_s=30, ratio=100))
    assert finding.measured
    assert finding.kvm_ms is not None
    assert finding.emulation_ms is not None
    assert leftovers(lab_host, driver) == ((), b"", [])


def test_one_that_does_not_end_in_time_is_ended(lab_host, driver):
    finding = probe(driver, AcceleratorSettings(probe_limit_s=0.001))
    assert "did not finish the probe within 0.001 s" in finding.reason
    assert finding.kvm_ms is None
    assert leftovers(lab_host, driver) == ((), b"", [])


def test_the_probes_vms_are_nobodys_business(lab_host, driver):
    seen = []
    driver.watch(seen.append)
    probe(driver, AcceleratorSettings(probe_limit_s=30))
    uuid = driver.define(
        "<domain type='qemu'><name>x</name><memory>16384</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    )
    driver.undefine(uuid)
    assert {signal.uuid for signal in seen if signal.kind != "pool"} <= {uuid}


def test_a_host_that_refuses_is_not_measured(driver, monkeypatch):
    monkeypatch.setattr("castalia.hypervisor.accelerator_remote.BOOT_DIRECTORY", "/nonexistent")
    finding = probe(driver, AcceleratorSettings())
    assert not finding.measured
    assert finding.reason.startswith("not measured")


def test_an_unknown_accelerator_is_a_failure_of_the_probe(driver):
    finding = probe(driver, AcceleratorSettings(), ("qemu", "xen"))
    assert finding.measured
    assert finding.kvm_ms is None
    assert "could not run the probe" in finding.reason
