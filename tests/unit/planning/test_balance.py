"""Balancing: what is moved, why, and what is never done."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castalia.planning.balance import plan_balance
from castalia.planning.balance_state import slowness
from castalia.planning.rules import PoolRules

from .pools import after, at_end, filled, host, vm

RULES = PoolRules(memory_reserve_mib=256, cpu_overcommit=4.0, worth_s=60.0)


def planned(hosts, residents, rules=RULES):
    return plan_balance(filled(hosts, residents), residents, rules=rules)


def test_a_new_empty_host_gets_used():
    residents = [vm(f"v{n}", "ab"[n % 2], cpu_demand=0.5) for n in range(20)]
    plan = planned([host("a"), host("b"), host("new")], residents)
    assert plan.moves
    assert {move.target_name for move in plan.moves} == {"new"}
    assert plan.after.spread < plan.before.spread / 3


def test_missing_cpus_come_before_spread():
    hot = [vm(f"hot{n}", "a", cpu_demand=3.0, vcpus=4) for n in range(4)]
    plan = planned([host("a"), host("b")], hot)
    assert plan.before.missing_cpus == 4
    assert plan.after.missing_cpus == 0
    assert plan.moves[0].code == "balance.cpu-missing"
    assert plan.moves[0].reason == "a is short of 4.0 CPUs"


def test_spread_never_costs_anybody_cpu_time():
    full = [vm(f"v{n}", "a", memory_mib=4000, cpu_demand=0.001) for n in range(4)]
    busy = vm("busy", "b", memory_mib=64, cpu_demand=8.0, vcpus=8, pinned=True)
    rules = replace(RULES, cpu_weight=0.0, memory_weight=3.0)
    plan = planned([host("a", cpus=32), host("b")], [*full, busy], rules)
    assert plan.after.missing_cpus == 0
    assert not plan.moves


def test_missing_memory_is_moved_away():
    residents = [vm(f"v{n}", "a", memory_mib=4096) for n in range(4)]
    plan = planned([host("a"), host("b")], residents)
    assert plan.before.missing_memory_mib == 256
    assert plan.after.missing_memory_mib == 0
    assert plan.moves[0].code == "balance.memory-missing"


def test_reason_names_the_resource_that_differs():
    residents = [vm(f"v{n}", "a", memory_mib=2048) for n in range(6)]
    move = planned([host("a"), host("b")], residents).moves[0]
    assert (move.code, move.reason) == ("balance.memory", "memory of a is 76 % taken, of b 0 %")


def test_small_differences_are_left_alone():
    residents = [vm("1", "a", memory_mib=1500)]
    assert not planned([host("a"), host("b")], residents).moves


def test_a_slow_move_must_gain_more():
    residents = [vm(f"v{n}", "a", memory_mib=1024) for n in range(3)]
    assert planned([host("a"), host("b")], residents).moves
    busy = [replace(resident, dirty_mib_s=1000.0) for resident in residents]
    assert not planned([host("a"), host("b")], busy, replace(RULES, worth_s=5.0)).moves


@pytest.mark.parametrize("held", [{"pinned": True}, {"moved_s_ago": 899.0}])
def test_what_is_held_stays(held):
    residents = [vm(f"v{n}", "a", memory_mib=2048, **held) for n in range(6)]
    assert not planned([host("a"), host("b")], residents).moves


def test_rested_vms_move_again():
    residents = [vm(f"v{n}", "a", memory_mib=2048, moved_s_ago=900.0) for n in range(6)]
    assert planned([host("a"), host("b")], residents).moves


def test_two_vms_change_places_where_no_single_move_helps():
    rules = replace(RULES, threshold_share=0.05, memory_weight=0.0, vcpu_weight=0.0)
    big = [vm(f"big{n}", "a", memory_mib=2500, cpu_demand=2.0, vcpus=2) for n in range(3)]
    small = [vm(f"small{n}", "b", memory_mib=2500, cpu_demand=0.5, vcpus=2) for n in range(3)]
    hosts = [host("a", memory_mib=10256), host("b", memory_mib=10256)]
    pinned = [vm("anchor", "b", memory_mib=10, cpu_demand=2.0, pinned=True)]
    plan = planned(hosts, [*big, *small, *pinned], rules)
    assert any(move.exchanged_for for move in plan.moves)
    named = {move.vm_id: move.exchanged_for for move in plan.moves if move.exchanged_for}
    assert all(named[other] == one for one, other in named.items())


@pytest.mark.parametrize(("threshold_share", "moves"), [(0.15, 2), (0.2, 0)])
def test_an_exchange_must_gain_what_two_moves_must(threshold_share, moves):
    rules = PoolRules(memory_weight=0, vcpu_weight=0, worth_s=1e9, threshold_share=threshold_share)
    residents = [
        vm("x", "a", cpu_demand=2.0),
        vm("anchor", "a", cpu_demand=1.0, pinned=True),
        vm("y", "b", cpu_demand=1.0),
    ]
    assert len(planned([host("a"), host("b")], residents, rules).moves) == moves


def test_maintenance_and_unreachable_hosts_are_left_out():
    residents = [vm(f"v{n}", "a", memory_mib=2048) for n in range(6)]
    hosts = [host("a"), host("b", maintenance=True), host("c", up=False)]
    assert not planned(hosts, residents).moves


def test_an_empty_pool_has_no_moves():
    assert plan_balance([], []).moves == ()


def test_at_most_so_many_moves_and_the_rest_next_time():
    residents = [vm(f"v{n}", "a") for n in range(12)]
    hosts = filled([host("a"), host("b")], residents)
    whole = plan_balance(hosts, residents, rules=RULES)
    first = plan_balance(hosts, residents, rules=RULES, max_moves=2)
    assert first.moves == whole.moves[:2]
    assert first.after.spread > whole.after.spread


groups = st.frozensets(st.sampled_from("gh"), max_size=1)
amounts = st.tuples(
    st.integers(64, 6000),
    st.integers(1, 4),
    st.floats(0, 4).map(lambda cpus: round(cpus, 3)),
    st.floats(0, 1500),
    groups,
    groups,
    st.integers(0, 3),
    st.booleans(),
)


@st.composite
def pools(draw):
    """Hosts of two sizes and VMs that fit them; affinity groups hold from the start."""
    sizes = draw(st.lists(st.sampled_from([(16384, 8), (32768, 16)]), min_size=2, max_size=5))
    hosts = [host(f"h{n}", memory_mib=m, cpus=c) for n, (m, c) in enumerate(sizes)]
    pool = {one.host_id: one for one in hosts}
    residents = []
    for n, (mib, vcpus, cpus, dirty, near, apart, spot, rested) in enumerate(
        draw(st.lists(amounts, max_size=20))
    ):
        home = f"h{spot % len(hosts)}"
        if near:
            home = next((r.host_id for r in residents if r.demand.together & near), home)
        taken = any(r.demand.apart & apart for r in residents if r.host_id == home)
        one = vm(
            f"v{n}",
            home,
            memory_mib=mib,
            vcpus=vcpus,
            cpu_demand=cpus,
            dirty_mib_s=dirty,
            together=near,
            apart=frozenset() if taken else apart,
            moved_s_ago=None if rested else 10.0,
        )
        if pool[home].memory_free_mib >= mib:
            pool[home] = pool[home].with_vm(one.demand)
            residents.append(one)
    return list(pool.values()), residents


rules = st.builds(
    PoolRules,
    threshold_share=st.sampled_from([0.0, 0.02, 0.1, 0.3]),
    memory_reserve_mib=st.sampled_from([0, 256, 2048]),
    cpu_overcommit=st.sampled_from([1.0, 4.0]),
    worth_s=st.sampled_from([1.0, 60.0, 600.0]),
)


def groups_hold(residents):
    for group in "gh":
        apart = [r.host_id for r in residents if group in r.demand.apart]
        together = {r.host_id for r in residents if group in r.demand.together}
        if len(apart) != len(set(apart)) or len(together) > 1:
            return False
    return True


def missing(hosts, given):
    """In average hosts, as the objective has it."""
    reserve = given.memory_reserve_mib
    cpus = sum(max(h.cpu_used - h.cpus, 0) for h in hosts)
    mib = sum(max(reserve - h.memory_free_mib, 0) for h in hosts)
    every = len(hosts)
    memory = sum(h.memory_mib - reserve for h in hosts) / every
    return cpus / (sum(h.cpus for h in hosts) / every) + mib / memory


@settings(max_examples=100, deadline=None)
@given(pools(), rules)
def test_every_step_is_possible_and_keeps_affinity(pool, given_rules):
    hosts, residents = pool
    reserve, over = given_rules.memory_reserve_mib, given_rules.cpu_overcommit
    plan = plan_balance(hosts, residents, rules=given_rules)
    for move, (now, living) in zip(plan.moves, after(hosts, residents, plan.moves), strict=True):
        target = next(one for one in now if one.host_id == move.target_id)
        assert target.memory_free_mib >= reserve
        assert target.vcpus_used <= target.cpus * over
        assert groups_hold(living)


@settings(max_examples=100, deadline=None)
@given(pools(), rules)
def test_the_plan_helps_and_a_second_one_is_empty(pool, given_rules):
    hosts, residents = pool
    plan = plan_balance(hosts, residents, rules=given_rules)
    hosts, residents = at_end(hosts, residents, plan.moves)
    assert not plan_balance(hosts, residents, rules=given_rules).moves
    assert missing(hosts, given_rules) <= missing(pool[0], given_rules) + 1e-6


@settings(max_examples=100, deadline=None)
@given(pools(), rules)
def test_each_move_gains_enough_for_its_cost(pool, given_rules):
    hosts, residents = pool
    known = {resident.vm_id: resident for resident in residents}
    for move in plan_balance(hosts, residents, rules=given_rules).moves:
        resident = known[move.vm_id]
        assert move.gain >= given_rules.needed_gain
        assert move.cost_s / given_rules.worth_s + 1 == pytest.approx(
            slowness(resident, given_rules)
        )
        assert not resident.pinned
        assert resident.moved_s_ago is None
        assert move.reason


@settings(max_examples=25, deadline=None)
@given(pools(), rules, st.data())
def test_alternating_load_moves_no_vm_twice_in_its_cool_down(pool, given_rules, data):
    hosts, residents = pool
    low, high = data.draw(st.tuples(st.floats(0, 1), st.floats(2, 4)))
    bare = [replace(h, cpu_used=0.0) for h in hosts]
    moved_at: dict[str, float] = {}
    for now in range(0, 2400, 60):
        factor = high if now // 60 % 2 else low
        loaded = [_heated(r, n, factor, moved_at, now) for n, r in enumerate(residents)]
        use = {h.host_id: 0.0 for h in hosts}
        for one in loaded:
            use[one.host_id] += one.demand.cpu_demand
        bare = [replace(h, cpu_used=use[h.host_id]) for h in bare]
        plan = plan_balance(bare, loaded, rules=given_rules)
        for move in plan.moves:
            before = moved_at.get(move.vm_id, -1e9)
            assert now - before >= given_rules.cool_down_s
            moved_at[move.vm_id] = now
        bare, residents = at_end(bare, loaded, plan.moves)


def _heated(resident, number, factor, moved_at, now):
    heat = factor if number % 2 else 1.0
    demand = replace(resident.demand, cpu_demand=round(heat, 3))
    ago = now - moved_at[resident.vm_id] if resident.vm_id in moved_at else None
    return replace(resident, demand=demand, moved_s_ago=ago)
