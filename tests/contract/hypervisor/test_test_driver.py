"""libvirt's test driver, in this process: what large inventories are tried on."""

import pytest
from tests.contract.hypervisor.signals import Signals

from castalia.errors import CastaliaError, Unsupported
from castalia.hypervisor.factory import open_connection, open_driver
from castalia.model.capabilities import Accelerator
from castalia.model.vm import VmState
from castalia.settings import Settings

NODE = """<node>
<domain type='test'><name>a</name><memory unit='MiB'>512</memory><os><type>hvm</type></os></domain>
<domain type='test'><name>b</name><memory unit='MiB'>512</memory><os><type>hvm</type></os></domain>
</node>"""


@pytest.fixture
def driver(tmp_path):
    (tmp_path / "node.xml").write_text(NODE)
    settings = Settings(state_dir=tmp_path)
    connection = open_connection(f"test://{tmp_path}/node.xml", settings=settings)
    driver = open_driver(connection, settings=settings)
    driver.connect()
    yield driver
    driver.close()


def test_its_vms_are_listed_with_their_state(driver):
    vms = driver.snapshot().vms
    assert {vm.definition.name for vm in vms} == {"a", "b"}
    assert {vm.state for vm in vms} == {VmState.RUNNING}
    assert all(vm.definition.memory_mib == 512 for vm in vms)


def test_a_change_is_signalled_and_read(driver):
    signals = Signals()
    driver.watch(signals)
    uuid = driver.snapshot().vms[0].definition.uuid
    driver.stop(uuid)
    signals.wait("vm", uuid, "stopped")
    assert driver.snapshot().vms[0].state is VmState.STOPPED
    driver.undefine(uuid)
    signals.wait("vm-gone", uuid)
    assert len(driver.snapshot().vms) == 1


def test_it_says_what_it_lacks(driver):
    facts = driver.facts()
    assert facts.cpus == facts.sockets * facts.cores * facts.threads
    capabilities = facts.capabilities
    assert capabilities.accelerator.accelerator is Accelerator.TEST
    assert not capabilities.guest_agent
    assert "hotplug" in capabilities.missing
    assert len(driver.vm_counters()) == 2


def test_what_it_lacks_is_an_error_in_words(driver):
    uuid = driver.snapshot().vms[0].definition.uuid
    nic = "<interface type='network'><mac address='52:54:00:00:00:01'/></interface>"
    with pytest.raises(Unsupported):
        driver.guest_exec(uuid, ["/bin/true"])
    with pytest.raises(CastaliaError) as caught:
        driver.attach_device(uuid, nic, live=True)
    assert "virDomain" not in caught.value.message
