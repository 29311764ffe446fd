"""Hosts that a quiet pool can do without, and gets back in time."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from castalia.planning.admission import losses, safe_after_loss
from castalia.planning.consolidation import plan_switch_off, plan_switch_on
from castalia.planning.rules import PoolRules

from .pools import at_end, filled, host, vm

RULES = PoolRules(memory_reserve_mib=256)


def off(hosts, residents, **options):
    return plan_switch_off(filled(hosts, residents), residents, rules=RULES, **options)


def test_a_quiet_pool_shrinks_to_what_a_failure_needs():
    hosts = [host(name) for name in "abcd"]
    residents = [vm(f"v{n}", "abcd"[n % 4]) for n in range(8)]
    switches = off(hosts, residents)
    assert len(switches) == 2
    assert all(len(switch.moves) >= 2 for switch in switches)
    assert switches[0].code == "consolidation.not-needed"


def test_a_busy_pool_keeps_its_hosts():
    residents = [vm(f"v{n}", "abc"[n % 3], cpu_demand=2.5) for n in range(6)]
    assert off([host(name) for name in "abc"], residents) == ()


def test_pinned_and_cooling_vms_keep_their_host_on():
    for held in ({"pinned": True}, {"moved_s_ago": 1.0}):
        residents = [vm(f"v{n}", "abc"[n % 3], **held) for n in range(3)]
        assert off([host(name) for name in "abc"], residents) == ()


def anchored(name):
    """A VM that keeps its host on."""
    return vm(f"anchor-{name}", name, memory_mib=64, pinned=True)


def test_a_hot_vm_is_not_put_beside_others():
    hosts, anchors = [host(name) for name in "abcd"], [anchored(name) for name in "bcd"]
    assert len(off(hosts, [*anchors, vm("warm", "a", cpu_demand=5.0)])) == 1
    assert off(hosts, [*anchors, vm("hot", "a", cpu_demand=6.0)]) == ()


def test_vms_that_must_share_a_host_are_not_parted_on_the_way():
    hosts, anchors = [host(name) for name in "abcd"], [anchored(name) for name in "bcd"]
    shop = [vm(f"v{n}", "a", together=frozenset({"shop"})) for n in range(2)]
    assert off(hosts, [*anchors, *shop]) == ()
    assert len(off(hosts, [*anchors, shop[0]])) == 1


def test_memory_for_a_failure_is_kept():
    residents = [vm(f"v{n}", "abc"[n % 3], memory_mib=5000) for n in range(6)]
    assert off([host(name) for name in "abc"], residents) == ()


def test_hosts_come_back_before_cpus_run_out():
    residents = [vm(f"v{n}", "ab"[n % 2], cpu_demand=2.5) for n in range(4)]
    waiting = [host("large", cpus=64), host("small")]
    found = plan_switch_on(
        filled([host("a"), host("b")], residents), waiting, residents, rules=RULES
    )
    assert [(s.host_name, s.code) for s in found] == [("small", "consolidation.cpu-needed")]


def test_hosts_come_back_when_a_failure_would_strand_vms():
    residents = [vm(n, n, memory_mib=9000) for n in "ab"]
    pool = filled([host("a"), host("b")], residents)
    found = plan_switch_on(pool, [host("c")], residents, rules=RULES)
    assert [(s.host_name, s.code) for s in found] == [("c", "consolidation.spare-needed")]
    assert "if a failed" in found[0].reason


def test_nothing_is_switched_on_without_need():
    assert plan_switch_on([host("a"), host("b")], [host("c")], [], rules=RULES) == ()


spots = st.lists(
    st.tuples(st.integers(0, 4), st.integers(500, 5000), st.floats(0, 3), st.booleans()),
    max_size=14,
)


@settings(max_examples=100, deadline=None)
@given(spots)
def test_what_is_left_is_safe_calm_and_needs_nothing_back(rows):
    hosts = [host(f"h{n}") for n in range(5)]
    residents = [
        vm(
            f"v{n}",
            f"h{spot}",
            memory_mib=mib,
            cpu_demand=cpus,
            apart=frozenset({"g"}) if apart and spot == n else frozenset(),
        )
        for n, (spot, mib, cpus, apart) in enumerate(rows)
    ]
    full = filled(hosts, residents)
    switches = plan_switch_off(full, residents, rules=RULES)
    if not switches:
        return
    moves = [move for switch in switches for move in switch.moves]
    assert len({move.vm_id for move in moves}) == len(moves)
    left, living = at_end(full, residents, moves)
    gone = {switch.host_id for switch in switches}
    assert not gone & {resident.host_id for resident in living}
    running = [one for one in left if one.host_id not in gone]
    assert safe_after_loss(losses(running, living, rules=RULES))
    assert not any(one.cpu_used > one.cpus for one in running if one.host_id in _goals(moves))
    waiting = [
        replace(one, host_id=name, name=name) for one, name in zip(hosts, gone, strict=False)
    ]
    assert plan_switch_on(running, waiting, living, rules=RULES) == ()


def _goals(moves):
    return {move.target_id for move in moves}
