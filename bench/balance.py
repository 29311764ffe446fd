"""Balancing generated pools of 60 hosts with 600 VMs and 500 with 10,000, against Ganeti's `hbal`.

Both get the same pool (equal hosts, shared storage, measured CPU demand), and both results are
scored by hbal itself: ours is written down in its text format and read with `hbal -l 0`. Its score
is a weighted sum of the hosts' standard deviations of free memory, vCPUs per CPU, and CPU load;
our weights are set to the same three. hbal knows no cost of a move, so ours are free here as well;
the plan by the pool's usual rules stands beside it.

By default hbal stops when a score below 0.1 improves by less than 0.01 with a move, so our score
after as many moves is given too. It needs minutes for one move in the large pool, so there it is
held to its first, and the time for one move is compared. All times are CPU time.
"""

import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from castalia.planning.balance import BalancePlan, plan_balance
from castalia.planning.facts import Candidate, Demand, Resident
from castalia.planning.rules import PoolRules

_CPUS, _MEMORY_MIB, _OVERCOMMIT = 32, 262144, 8.0
_ROUNDS = 3
_LARGE_MOVES = 1
_PATIENCE_S = 1200
USUAL = PoolRules(cpu_overcommit=_OVERCOMMIT)
AS_HBAL = replace(
    USUAL,
    memory_reserve_mib=0,
    threshold_share=0.003,
    worth_s=1e12,
    vcpu_weight=_OVERCOMMIT**2,
)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A generated pool."""

    hosts: list[Candidate]
    residents: list[Resident]

    def after(self, plan: BalancePlan) -> "Pool":
        """The pool once the plan is carried out."""
        places = {move.vm_id: move.target_id for move in plan.moves}
        moved = [replace(r, host_id=places.get(r.vm_id, r.host_id)) for r in self.residents]
        return Pool(hosts=_filled([host.host_id for host in self.hosts], moved), residents=moved)


def _filled(names: list[str], residents: list[Resident]) -> list[Candidate]:
    empty = {"cpus": _CPUS, "memory_mib": _MEMORY_MIB, "memory_free_mib": _MEMORY_MIB}
    hosts = {name: Candidate(host_id=name, name=name, **empty) for name in names}
    for resident in residents:
        hosts[resident.host_id] = hosts[resident.host_id].with_vm(resident.demand)
    return list(hosts.values())


def generated(hosts: int, vms: int, *, seed: int = 7) -> Pool:
    """A pool whose first hosts are much fuller than its last ones."""
    draw = random.Random(seed)
    names = [f"h{number:03}" for number in range(hosts)]
    used = dict.fromkeys(names, 0)
    residents = []
    for number in range(vms):
        memory_mib = draw.choice([2048, 4096, 8192, 12288, 16384])
        name = draw.choice(names)
        while used[name] + memory_mib > _MEMORY_MIB - 1024:
            name = names[int(draw.random() ** 1.5 * hosts)]
        if draw.random() < 0.7:
            name = _skewed(draw, names, used, memory_mib) or name
        used[name] += memory_mib
        residents.append(_vm(draw, f"v{number:05}", name, memory_mib))
    return Pool(hosts=_filled(names, residents), residents=residents)


def _skewed(
    draw: random.Random, names: list[str], used: dict[str, int], memory_mib: int
) -> str | None:
    name = names[int(draw.random() ** 1.7 * len(names))]
    return name if used[name] + memory_mib <= _MEMORY_MIB - 1024 else None


def _vm(draw: random.Random, name: str, host: str, memory_mib: int) -> Resident:
    vcpus = draw.choice([1, 2, 2, 4])
    cpu_demand = round(vcpus * draw.random() ** 2, 3)
    demand = Demand(name=name, memory_mib=memory_mib, vcpus=vcpus, cpu_demand=cpu_demand)
    return Resident(vm_id=name, host_id=host, demand=demand, dirty_mib_s=draw.random() * 200)


def _written(pool: Pool, directory: Path) -> list[str]:
    """hbal's arguments for the pool: the text format of ganeti-htools, and its file of loads."""
    nodes = "".join(
        f"{h.name}|{_MEMORY_MIB}|0|{h.memory_free_mib}|1000000|1000000|{_CPUS}|N|g0|64\n"
        for h in pool.hosts
    )
    instances = "".join(
        f"{r.vm_id}|{r.demand.memory_mib}|0|{r.demand.vcpus}|running|Y|{r.host_id}||ext||0\n"
        for r in pool.residents
    )
    spec, most = "1024,1,0,1,1,1", "1000000,64,1000000,16,8,64"
    policy = f"|{spec}|128,1,0,0,0,0;{most}|ext|{_OVERCOMMIT}|64.0\n"
    text, loads = directory / "pool", directory / "loads"
    text.write_text(f"default|g0|preferred||\n\n{nodes}\n{instances}\n\n{policy}")
    loads.write_text(
        "".join(f"{r.vm_id} {r.demand.cpu_demand / _CPUS:.6f} 0 0 0\n" for r in pool.residents)
    )
    return ["hbal", "-t", str(text), "-U", str(loads)]


def _hbal(pool: Pool, *, moves: int | None) -> tuple[float, int, float]:
    """hbal's final score, its number of moves, and the CPU seconds it took."""
    with tempfile.TemporaryDirectory() as scratch:
        command = _written(pool, Path(scratch))
        command += [] if moves is None else ["-l", str(moves)]
        begun_s = _children_s()
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_PATIENCE_S
        )
        taken_s = _children_s() - begun_s
    scores = re.findall(r"(?:Initial score: |improved from \S+ to )([\d.]+)", done.stdout)
    length = re.search(r"Solution length=(\d+)", done.stdout)
    if not scores or not length:
        raise SystemExit(f"hbal answered something unknown:\n{done.stdout}{done.stderr}")
    return float(scores[-1]), int(length[1]), taken_s


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _ours(pool: Pool, rules: PoolRules) -> tuple[BalancePlan, float]:
    taken = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        plan = plan_balance(pool.hosts, pool.residents, rules=rules)
        taken.append(time.process_time() - begun)
    return plan, min(taken)


def _report(name: str, plan: BalancePlan, taken_s: float) -> None:
    before, after = plan.before, plan.after
    print(
        f"{name:<22} {taken_s:7.2f} s  {len(plan.moves):5} moves  missing CPUs "
        f"{before.missing_cpus:.1f} → {after.missing_cpus:.1f}  spread {before.spread:.3f} → "
        f"{after.spread:.3f}"
    )


def _compare(pool: Pool, plan: BalancePlan, ours_s: float, *, moves: int | None) -> None:
    start, _, reading_s = _hbal(pool, moves=0)
    ours, _, _ = _hbal(pool.after(plan), moves=0)
    print(f"by hbal's score        from {start:.4f}: ours {ours:.4f} with {len(plan.moves)} moves")
    try:
        theirs, length, theirs_s = _hbal(pool, moves=moves)
    except subprocess.TimeoutExpired:
        print(f"  hbal                 nothing after {_PATIENCE_S / 60:.0f} minutes")
        return
    print(f"  hbal                 {theirs:.4f} with {length} moves in {theirs_s:.2f} s")
    each = (theirs_s - reading_s) / max(length, 1)
    if moves is None:
        same = plan_balance(pool.hosts, pool.residents, rules=AS_HBAL, max_moves=length)
        few, _, _ = _hbal(pool.after(same), moves=0)
        print(f"  ours, as many moves  {few:.4f}, ratio {few / theirs:.2f}")
        print(f"  ratios               score {ours / theirs:.2f}, time {ours_s / theirs_s:.4f}")
    else:
        ratio = ours_s / max(len(plan.moves), 1) / each
        print(f"  hbal was held to {moves} moves: {each:.2f} s each, ours {ratio:.6f} of it")


def main() -> None:
    """Prints times and results for both pools, and the comparison if hbal is there."""
    os.environ.setdefault("LC_ALL", "C.UTF-8")  # hbal refuses to print without it
    for hosts, vms, moves in ((60, 600, None), (500, 10_000, _LARGE_MOVES)):
        pool = generated(hosts, vms)
        print(f"{hosts} hosts, {vms} VMs")
        _report("the usual rules", *_ours(pool, USUAL))
        plan, taken_s = _ours(pool, AS_HBAL)
        _report("hbal's rules", plan, taken_s)
        if shutil.which("hbal"):
            _compare(pool, plan, taken_s, moves=moves)
        else:
            print("hbal is missing, so nothing is compared: apt-get install ganeti-htools")


if __name__ == "__main__":
    main()
