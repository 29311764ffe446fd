"""What a host says of itself."""

from castalia.model.capabilities import Accelerator, Mode


def test_a_host_says_what_it_is(bench):
    facts = bench.driver.facts()
    assert facts.hostname
    assert facts.cpus == facts.sockets * facts.cores * facts.threads
    assert facts.memory_mib > 512
    assert facts.numa_nodes >= 1
    assert facts.libvirt_version.count(".") == 2
    assert facts.hypervisor_version.count(".") == 2


def test_a_host_says_what_it_can(bench):
    capabilities = bench.driver.facts().capabilities
    assert capabilities.hypervisor == "QEMU"
    assert capabilities.arch == "x86_64"
    assert capabilities.machine == "q35"
    assert capabilities.emulator.endswith("qemu-system-x86_64")
    assert capabilities.system_networks
    assert capabilities.local_console
    assert capabilities.missing == {}
    assert Mode.EMULATED in capabilities.modes


def test_the_accelerator_has_a_reason(bench):
    finding = bench.driver.facts().capabilities.accelerator
    assert finding.accelerator in {Accelerator.EMULATED, Accelerator.KVM}
    assert finding.reason
