"""Several VMs at once."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from castalia.planning.facts import Demand
from castalia.planning.placement_many import place_all
from castalia.planning.rules import PoolRules

from .pools import host
from .test_placement import demands, hosts

RULES = PoolRules(memory_reserve_mib=0)


def demand(name, memory_mib, **needs):
    return Demand(name=name, memory_mib=memory_mib, vcpus=1, **needs)


def test_each_sees_those_before_it():
    answers = place_all([demand("1", 4000)] * 3, [host("a"), host("b"), host("c")])
    assert {answer.host_name for answer in answers} == {"a", "b", "c"}


def test_biggest_first_in_the_callers_order():
    pool = [host("a", memory_free_mib=6000), host("b", memory_free_mib=3000)]
    answers = place_all([demand("small", 3000), demand("big", 6000)], pool, rules=RULES)
    assert [answer.host_name for answer in answers] == ["b", "a"]


def test_packs_where_spreading_leaves_one_out():
    pool = [host("a", memory_free_mib=6000), host("b", memory_free_mib=5000)]
    wanted = [demand("x", 4000), demand("y", 3000), demand("z", 1000), demand("w", 3000)]
    answers = place_all(wanted, pool, rules=RULES)
    assert all(answer.host_id for answer in answers)
    assert answers[0].code == "chosen.tight"


def test_unplaced_ones_say_why_for_each_host():
    answers = place_all([demand("1", 9000), demand("2", 9000)], [host("a")], rules=RULES)
    assert sorted(answer.host_id for answer in answers) == ["", "a"]
    left = next(answer for answer in answers if not answer.host_id)
    assert left.refused == {"a": "has 7384 MiB free for VMs, the VM needs 9000 MiB"}


def test_a_bound_group_goes_where_all_of_it_fits():
    shop = {"together": frozenset({"shop"})}
    pool = [host("a", memory_free_mib=5000), host("b", memory_free_mib=8000)]
    wanted = [demand("lone", 4500), demand("web", 4000, **shop), demand("db", 4000, **shop)]
    assert [p.host_name for p in place_all(wanted, pool, rules=RULES)] == ["a", "b", "b"]


def test_contradicting_groups_are_named():
    both = {"together": frozenset({"shop"}), "apart": frozenset({"dns"})}
    answers = place_all([demand("1", 10, **both), demand("2", 10, **both)], [host("a")])
    assert {answer.code for answer in answers} == {"affinity.contradiction"}
    assert "dns" in answers[0].refused["a"]


def test_members_keep_what_each_asks_of_the_machine():
    shop = {"together": frozenset({"shop"})}
    pool = [host("a"), host("b", memory_free_mib=4000, networks=frozenset({"dmz"}))]
    wanted = [demand("1", 100, **shop), demand("2", 100, networks=frozenset({"dmz"}), **shop)]
    assert [p.host_name for p in place_all(wanted, pool)] == ["b", "b"]


@given(st.lists(demands, max_size=8), hosts)
def test_hard_rules_hold_after_all(wanted, pool):
    empty = [replace(one, groups={}) for one in pool]
    answers = place_all(wanted, empty, rules=RULES)
    assert [answer.demand for answer in answers] == wanted
    for one in empty:
        here = [a.demand for a in answers if a.host_id == one.host_id]
        if here:
            assert sum(d.memory_mib for d in here) <= one.memory_free_mib
            assert one.usable
        for group in "gh":
            assert sum(group in d.apart for d in here) <= 1
    for group in "gh":
        homes = {a.host_id for a in answers if group in a.demand.together and a.host_id}
        assert len(homes) <= 1
    for answer in answers:
        told = {other.host_id for other in answer.others} | ({answer.host_id} - {""})
        assert told == {one.host_id for one in empty}
