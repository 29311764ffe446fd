"""What a pool can lose, and what it can still take."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from castalia.planning.admission import losses, room_for, safe_after_loss
from castalia.planning.facts import Demand
from castalia.planning.rules import PoolRules

from .pools import filled, host, vm

RULES = PoolRules(memory_reserve_mib=0)
SMALL = Demand(name="small", memory_mib=1024, vcpus=1)


def lost(hosts, residents):
    return losses(filled(hosts, residents), residents, rules=RULES)


def test_a_pool_with_room_survives_each_loss():
    found = lost([host("a"), host("b")], [vm("1", "a", memory_mib=8000), vm("2", "b")])
    assert [loss.host_name for loss in found] == ["a", "b"]
    assert safe_after_loss(found)


def test_stranded_vms_say_why():
    found = lost(
        [host("a"), host("b")], [vm("1", "a", memory_mib=9000), vm("2", "b", memory_mib=9000)]
    )
    assert not safe_after_loss(found)
    assert found[0].stranded[0].refused == {"b": "has 7384 MiB free for VMs, the VM needs 9000 MiB"}


def test_vms_that_need_not_restart_do_not_count():
    both = [vm("1", "a", memory_mib=9000, restarts=False), vm("2", "b", memory_mib=9000)]
    assert [loss.survivable for loss in lost([host("a"), host("b")], both)] == [True, False]


def test_vms_kept_apart_need_a_third_host():
    dns = [vm(n, n, apart=frozenset({"dns"})) for n in "ab"]
    assert not safe_after_loss(lost([host("a"), host("b")], dns))
    assert safe_after_loss(lost([host("a"), host("b"), host("c")], dns))


def test_hosts_that_are_down_neither_count_nor_help():
    residents = [vm("1", "a")]
    found = lost([host("a"), host("b", up=False)], residents)
    assert [(loss.host_name, loss.survivable) for loss in found] == [("a", False)]


def test_room_is_bounded_by_memory_and_by_overcommit():
    hosts = [host("a", memory_mib=4096), host("b", memory_mib=2048)]
    assert room_for(SMALL, hosts, rules=RULES) == 6
    assert room_for(SMALL, [host("a", cpus=1)], rules=PoolRules(cpu_overcommit=3.0)) == 3


def test_room_in_an_apart_group_is_one_per_host():
    lone = Demand(name="dns", memory_mib=10, vcpus=1, apart=frozenset({"dns"}))
    assert room_for(lone, [host("a"), host("b")], rules=RULES) == 2


def test_room_that_survives_a_loss_is_half_of_two_hosts():
    hosts = [host("a", memory_mib=4096), host("b", memory_mib=4096)]
    assert room_for(SMALL, hosts, rules=RULES, survive_loss=True) == 4


placed = st.lists(st.tuples(st.integers(0, 2), st.integers(500, 9000)), max_size=7)


@settings(max_examples=150, deadline=None)
@given(placed)
def test_a_loss_called_survivable_has_a_packing(spots):
    hosts = [host(f"h{n}") for n in range(3)]
    residents = [vm(f"v{n}", f"h{spot}", memory_mib=mib) for n, (spot, mib) in enumerate(spots)]
    full = filled(hosts, residents)
    for loss in losses(full, residents, rules=RULES):
        rest = [max(one.memory_free_mib, 0) for one in full if one.host_id != loss.host_id]
        sizes = [r.demand.memory_mib for r in residents if r.host_id == loss.host_id]
        if loss.survivable:
            assert _packs(sizes, rest)


def _packs(sizes, rooms):
    """By trying everything."""
    for choice in product(range(len(rooms)), repeat=len(sizes)):
        left = list(rooms)
        for size, room in zip(sizes, choice, strict=True):
            left[room] -= size
        if min(left, default=0) >= 0 or not sizes:
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(placed, st.booleans())
def test_room_is_exactly_what_one_more_would_break(spots, survive):
    hosts = [host(f"h{n}") for n in range(3)]
    residents = [vm(f"v{n}", f"h{spot}", memory_mib=mib) for n, (spot, mib) in enumerate(spots)]
    full = filled(hosts, residents)
    big = Demand(name="big", memory_mib=3000, vcpus=1)
    room = room_for(big, full, residents, rules=RULES, survive_loss=survive)
    most = sum(max(one.memory_free_mib, 0) // 3000 for one in full)
    assert 0 <= room <= most
    assert survive or room == most
