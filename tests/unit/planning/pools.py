"""Hosts and VMs for planning tests."""

from dataclasses import replace

from castalia.planning.facts import Candidate, Demand, Resident


def host(name: str, *, memory_mib: int = 16384, cpus: int = 8, **facts: object) -> Candidate:
    given = {"memory_free_mib": memory_mib} | facts
    return Candidate(host_id=name, name=name, cpus=cpus, memory_mib=memory_mib, **given)


def vm(name: str, on: str, *, memory_mib: int = 1024, **facts: object) -> Resident:
    own = {key: facts.pop(key) for key in list(facts) if key in Resident.__dataclass_fields__}
    demand = Demand(name=name, memory_mib=memory_mib, **({"vcpus": 1} | facts))
    return Resident(vm_id=name, host_id=on, demand=demand, **own)


def filled(hosts: list[Candidate], residents: list[Resident]) -> list[Candidate]:
    """The hosts with the VMs on them."""
    return [_with_all(one, [r for r in residents if r.host_id == one.host_id]) for one in hosts]


def _with_all(one: Candidate, residents: list[Resident]) -> Candidate:
    for resident in residents:
        one = one.with_vm(resident.demand)
    return one


def after(hosts, residents, moves):
    """Makes the moves one by one and refuses what no real host would do."""
    pool = {one.host_id: one for one in hosts}
    living = {resident.vm_id: resident for resident in residents}
    for move in moves:
        resident = living[move.vm_id]
        assert resident.host_id == move.source_id
        assert pool[move.target_id].memory_free_mib >= resident.demand.memory_mib
        pool[move.source_id] = pool[move.source_id].without_vm(resident.demand)
        pool[move.target_id] = pool[move.target_id].with_vm(resident.demand)
        living[move.vm_id] = replace(resident, host_id=move.target_id, moved_s_ago=0.0)
        yield list(pool.values()), list(living.values())


def at_end(hosts, residents, moves):
    """Hosts and VMs once every move is made."""
    return [(hosts, residents), *after(hosts, residents, moves)][-1]
