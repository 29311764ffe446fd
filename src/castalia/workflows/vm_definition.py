"""From a planned VM to the definition that its host gets."""

from datetime import datetime

from castalia.libvirtxml.domain_build import build_domain
from castalia.libvirtxml.domain_plan import DiskPlan, DomainPlan, NicPlan
from castalia.model.vm_plan import PlannedVm
from castalia.workflows.ownership import owned

SEED = "seed"
"""The key of the seed's path among a VM's disk paths."""


def domain_xml(vm: PlannedVm, paths: dict[str, str], *, job_id: str, created_at: datetime) -> str:
    """The definition; `paths` maps each disk's target, and SEED, to where the host has the
    volume."""
    plan = DomainPlan(
        name=vm.name,
        uuid=vm.uuid,
        memory_mib=vm.memory_mib,
        max_memory_mib=vm.max_memory_mib,
        vcpus=vm.vcpus,
        max_vcpus=vm.max_vcpus,
        domain_type=vm.domain_type,
        arch=vm.arch,
        machine=vm.machine,
        emulator=vm.emulator,
        firmware=vm.firmware,
        description=vm.description,
        disks=tuple(
            DiskPlan(
                path=paths[disk.target],
                format=disk.format,
                bus=disk.bus,
                device=disk.device,
                target=disk.target,
            )
            for disk in vm.disks
        ),
        nics=tuple(
            nic_plan(mac=nic.mac, kind=nic.kind, network=nic.network, model=nic.model)
            for nic in vm.nics
        ),
        seed_path=paths.get(SEED, ""),
        boot=vm.boot,
        ownership=owned(vm, job_id=job_id, created_at=created_at),
    )
    return build_domain(plan)


def nic_plan(*, mac: str, kind: str, network: str, model: str) -> NicPlan:
    """A network card on the network that was asked for; where QEMU's user-mode network stands in
    for it, that has no name."""
    return NicPlan(mac=mac, kind=kind, source="" if kind == "user" else network, model=model)
