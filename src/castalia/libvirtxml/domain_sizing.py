"""Edits of how many vCPUs and how much memory a domain has.

Source: "CPU Allocation" and "Memory Allocation" in https://libvirt.org/formatdomain.html. libvirt
refuses a definition in which topology, NUMA nodes and totals contradict each other, so they are
changed together.
"""

from castalia.errors import InvalidRequest
from castalia.libvirtxml.domain_devices import HugePage, VcpuState
from castalia.libvirtxml.domain_tree import DomainTree

_USUAL_PAGE_MIB = 2


def set_vcpus(domain: DomainTree, vcpus: int, *, max_vcpus: int | None = None) -> None:
    """Plugs in `vcpus`; the maximum grows when it is too small, or becomes `max_vcpus`.

    Raises InvalidRequest for a number that does not fit the topology or the NUMA nodes.
    """
    most = max_vcpus or max(domain.vcpu_limit, vcpus)
    if not 1 <= vcpus <= most:
        remedy = "Give at least one vCPU, and not more than the maximum."
        raise InvalidRequest(f"{vcpus} vCPUs do not fit.", field="vcpus", remedy=remedy)
    if most != domain.vcpu_limit:
        _set_vcpu_limit(domain, most)
    if (domain.current_vcpus or most) != vcpus:
        domain.current_vcpus = vcpus if vcpus < most else 0
    if len(domain.vcpu_states):
        _plug(domain, vcpus, most)


def _set_vcpu_limit(domain: DomainTree, most: int) -> None:
    per_socket = 1
    for count in (domain.cpu_dies, domain.cpu_clusters, domain.cpu_cores, domain.cpu_threads):
        per_socket *= count or 1
    if domain.cpu_sockets:
        if most % per_socket:
            remedy = f"Its sockets have {per_socket} vCPUs each: give a multiple of that."
            message = f"{most} vCPUs do not fit the VM's CPU topology."
            raise InvalidRequest(message, field="vcpus", remedy=remedy)
        domain.cpu_sockets = most // per_socket
    if any(_last_cpu(cell.cpus) >= most for cell in domain.numa_cells):
        remedy = "Keep the maximum, or change the NUMA nodes in the XML."
        message = f"The VM's NUMA nodes have more than {most} vCPUs."
        raise InvalidRequest(message, field="max_vcpus", remedy=remedy)
    domain.max_vcpus = most


def _last_cpu(cpus: str) -> int:
    numbers = [part.lstrip("^") for part in cpus.replace("-", ",").split(",")]
    return max((int(number) for number in numbers if number.strip().isdigit()), default=-1)


def _plug(domain: DomainTree, vcpus: int, most: int) -> None:
    """Where each vCPU's state is written, the first `vcpus` are plugged in.

    The order of plugging is dropped when it would not be whole any more: libvirt wants all or none.
    """
    states = {state.id: state for state in domain.vcpu_states}
    for number in set(states) - set(range(most)):
        domain.vcpu_states.remove(states.pop(number))
    if {number for number, state in states.items() if state.enabled} == set(range(vcpus)):
        return
    for number in range(most):
        state = states.get(number) or domain.vcpu_states.add(VcpuState())
        state.element.set("id", str(number))
        state.order = 0
        if state.enabled != (number < vcpus) or number not in states:
            state.element.set("enabled", "yes" if number < vcpus else "no")
            state.element.set("hotpluggable", "yes" if number else "no")


def set_memory(domain: DomainTree, memory_mib: int, *, max_memory_mib: int | None = None) -> None:
    """Gives the guest `memory_mib`; the maximum grows when it is too small, or becomes
    `max_memory_mib`, and NUMA nodes with it.

    Raises InvalidRequest for an amount that does not fit the VM's huge pages.
    """
    most = max_memory_mib or max(domain.memory_mib, memory_mib)
    if not 1 <= memory_mib <= most:
        remedy = "Give at least 1 MiB, and not more than the maximum."
        message = f"{memory_mib} MiB of memory do not fit."
        raise InvalidRequest(message, field="memory_mib", remedy=remedy)
    if most != domain.memory_mib:
        _set_memory_limit(domain, most)
    if domain.current_memory_mib or memory_mib != most:
        domain.current_memory_mib = memory_mib


def _set_memory_limit(domain: DomainTree, most: int) -> None:
    modules = sum(module.size_mib for module in domain.memory_modules)
    _resize_cells(domain, most - modules)
    domain.memory_mib = most
    if domain.hotplug_memory_mib and domain.hotplug_memory_mib < most:
        domain.hotplug_memory_mib = most


def _resize_cells(domain: DomainTree, total_mib: int) -> None:
    """Shares the memory among the NUMA nodes as it was shared before; libvirt takes the sum of the
    nodes for the VM's memory, whatever else is written."""
    page = _page_mib(domain)
    cells = list(domain.numa_cells)
    before = sum(cell.memory_mib for cell in cells)
    shares = [total_mib * cell.memory_mib // before // page * page for cell in cells[:-1]]
    rest = total_mib - sum(shares)
    if rest % page or (cells and rest < 1):
        remedy = f"The VM uses huge pages: give a multiple of {page} MiB."
        message = f"{total_mib} MiB do not fit the VM's memory layout."
        raise InvalidRequest(message, field="memory_mib", remedy=remedy)
    for cell, share in zip(cells, [*shares, rest], strict=False):
        cell.memory_mib = share


def _page_mib(domain: DomainTree) -> int:
    pages: list[HugePage] = [page for pages in domain.hugepages for page in pages.pages]
    if not pages:
        return _USUAL_PAGE_MIB if len(domain.hugepages) else 1
    return max(page.size_mib for page in pages)
