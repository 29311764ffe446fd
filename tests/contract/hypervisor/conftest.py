"""The hosts that the suite runs against: one in memory, one with a real libvirt."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.contract.hypervisor.signals import Signals

from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver import HypervisorDriver
from castalia.hypervisor.driver_libvirt import LibvirtDriver
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.lab.host import LabHost


@dataclass
class Bench:
    """A connected driver, what it signalled, and the XML of a VM that it can run."""

    driver: HypervisorDriver
    signals: Signals

    def define(self, name: str = "web1", **parts: str) -> str:
        """Defines a VM and returns its UUID."""
        return self.driver.define(vm_xml(name, **parts))


def vm_xml(
    name: str, *, devices: str = "", metadata: str = "", vcpus: str = "<vcpu>1</vcpu>"
) -> str:
    """A VM that needs nothing but the firmware that QEMU brings along."""
    return f"""
    <domain type='qemu'>
      <name>{name}</name>
      {metadata}
      <memory unit='MiB'>32</memory>
      <currentMemory unit='MiB'>32</currentMemory>
      {vcpus}
      <os><type arch='x86_64' machine='pc'>hvm</type></os>
      <features><acpi/></features>
      <devices>
        <serial type='pty'/>
        <console type='pty'/>
        <graphics type='vnc'><listen type='none'/></graphics>
        <video><model type='vga'/></video>
        {devices}
      </devices>
    </domain>"""


@pytest.fixture(scope="session")
def libvirt_driver(lab_host: LabHost) -> Iterator[LibvirtDriver]:
    driver = LibvirtDriver(LibvirtConnection(lab_host.uri))
    driver.connect()
    yield driver
    driver.close()


@pytest.fixture(params=["memory", pytest.param("libvirt", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        driver: HypervisorDriver = MemoryDriver()
        driver.connect()
    else:
        driver = request.getfixturevalue("libvirt_driver")
    signals = Signals()
    driver.watch(signals)
    yield Bench(driver=driver, signals=signals)
    signals.stop()
    for vm in driver.snapshot().vms:
        driver.stop(vm.definition.uuid)
        driver.undefine(vm.definition.uuid)
