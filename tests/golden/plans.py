"""Plans for domains and networks, one for each thing that a plan can say."""

from typing import Any

from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan, NicPlan
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.model.vm import DeviceKind, Ownership

_UUID = "6695eb01-f6a4-8304-79aa-97f2502e1931"
_ROOT = DiskPlan(path="/srv/vm/web1.qcow2")
_NIC = NicPlan(mac="52:54:00:00:00:01", source="default")


def _plan(**parts: Any) -> DomainPlan:
    usual = {"name": "web1", "uuid": _UUID, "memory_mib": 512, "disks": (_ROOT,), "nics": (_NIC,)}
    return DomainPlan(**{**usual, **parts})


DOMAINS = {
    "plain": _plan(),
    "everything": _plan(
        max_memory_mib=1024,
        vcpus=2,
        max_vcpus=8,
        emulator="/usr/bin/qemu-system-x86_64",
        title="Web & more",
        description="one\ntwo",
        genid="43dc0cf8-809b-4adb-9bea-a9abb5f3d90e",
        disks=(
            _ROOT,
            DiskPlan(path="/dev/vg0/data", source_kind="block", format="raw", cache="none"),
            DiskPlan(path="/srv/vm/log.qcow2", bus="scsi", serial="LOG", target="sdc"),
            DiskPlan(format="raw", device=DeviceKind.FLOPPY),
        ),
        nics=(
            _NIC,
            NicPlan(mac="52:54:00:00:00:02", kind="bridge", source="br0", model="e1000e"),
            NicPlan(mac="52:54:00:00:00:03", kind="direct", source="eno1"),
            NicPlan(mac="52:54:00:00:00:04", kind="user", link_up=False),
        ),
        seed_path="/srv/vm/web1-seed.img",
        iso="/srv/iso/debian.iso",
        ownership=Ownership(
            template="debian-12",
            size="small",
            tags=("web", "env:test"),
            created_at="2026-01-02T03:04:05+00:00",
            job_id="01hzx3",
        ),
        vmcoreinfo=True,
        watchdog_action="reset",
        on_crash="restart",
    ),
    "bare": _plan(
        vnc=False,
        tablet=False,
        agent=False,
        serial_console=False,
        balloon_stats_period_s=0,
        spare_ports=0,
    ),
    "kvm": _plan(domain_type="kvm", boot=("52:54:00:00:00:01", "vda")),
    "named-cpu": _plan(cpu="Nehalem", boot=("hd", "network")),
    "old-pc": _plan(machine="pc", iso="/srv/iso/debian.iso"),
    "uefi": _plan(firmware="uefi"),
    "uefi-secure": _plan(firmware="uefi-secure", tpm=True),
    "hotplug-memory": _plan(hotplug_memory_mib=2048, max_vcpus=4),
    "direct-kernel": _plan(kernel="/srv/k", initrd="/srv/i", cmdline="console=ttyS0"),
    "aarch64": _plan(arch="aarch64", firmware="uefi", iso="/srv/iso/debian.iso"),
    "riscv64": _plan(arch="riscv64"),
    "ppc64le": _plan(arch="ppc64le"),
    "s390x": _plan(arch="s390x", watchdog_action="poweroff"),
    "test-driver": _plan(domain_type="test"),
}

NETWORKS = {
    "nat": NetworkSpec(name="nat", kind=NetworkKind.NAT, cidr="10.77.0.1/24", domain="lab.example"),
    "nat-from-the-end": NetworkSpec(name="end", kind=NetworkKind.NAT, cidr="10.77.1.254/24"),
    "nat-wide": NetworkSpec(name="wide", kind=NetworkKind.NAT, cidr="10.0.0.1/8"),
    "nat-two-hosts": NetworkSpec(name="two", kind=NetworkKind.NAT, cidr="10.77.2.1/30"),
    "nat-static": NetworkSpec(name="static", kind=NetworkKind.NAT, cidr="10.77.3.1/24", dhcp=False),
    "routed-ipv6": NetworkSpec(name="six", kind=NetworkKind.ROUTED, cidr="fd00::1/64"),
    "isolated": NetworkSpec(name="alone", kind=NetworkKind.ISOLATED, cidr="10.77.4.1/24"),
    "isolated-bare": NetworkSpec(name="bare", kind=NetworkKind.ISOLATED, bridge="virbr9"),
    "bridge": NetworkSpec(name="outside", kind=NetworkKind.BRIDGE, bridge="br0"),
}
