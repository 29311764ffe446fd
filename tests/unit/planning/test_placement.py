"""One VM: hard rules, preferences, and the reasons."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.model.capabilities import Mode
from castalia.planning.facts import Demand
from castalia.planning.placement import place
from castalia.planning.refusals import homes_of, obstacle
from castalia.planning.rules import PoolRules

from .pools import host

DEMAND = Demand(name="web", memory_mib=1024, vcpus=1)
GOOD = host(
    "good",
    arch="x86_64",
    cpu_features=frozenset({"avx2"}),
    modes=frozenset({Mode.PVHVM}),
    networks=frozenset({"dmz"}),
    repositories=frozenset({"nfs"}),
    tags=frozenset({"ssd"}),
)
PICKY = replace(
    DEMAND,
    arch="x86_64",
    cpu_features=frozenset({"avx2"}),
    mode=Mode.PVHVM,
    networks=frozenset({"dmz"}),
    repositories=frozenset({"nfs"}),
    tags_required=frozenset({"ssd"}),
    tags_forbidden=frozenset({"old"}),
    apart=frozenset({"dns"}),
)
BROKEN = [
    ({"up": False}, "host.unreachable", "is not reachable"),
    ({"maintenance": True}, "host.maintenance", "is in maintenance"),
    ({"arch": "aarch64"}, "host.arch", "is aarch64, the VM needs x86_64"),
    ({"cpu_features": frozenset()}, "host.cpu-features", "has a CPU without avx2"),
    ({"modes": frozenset()}, "host.mode", "cannot run VMs in mode pvhvm"),
    ({"networks": frozenset()}, "host.network", "has no network dmz"),
    ({"repositories": frozenset()}, "host.storage", "does not reach repository nfs"),
    ({"tags": frozenset()}, "host.tag-missing", "has no tag ssd"),
    (
        {"tags": frozenset({"ssd", "old"})},
        "host.tag-forbidden",
        "has the tag old, which the VM avoids",
    ),
    (
        {"groups": {"dns": 1}},
        "affinity.apart",
        "runs a VM of dns already, and they are kept apart",
    ),
    (
        {"memory_free_mib": 1279},
        "capacity.memory",
        "has 1023 MiB free for VMs, the VM needs 1024 MiB",
    ),
]


@pytest.mark.parametrize(("change", "code", "reason"), BROKEN, ids=[row[1] for row in BROKEN])
def test_each_hard_rule_refuses_with_code_and_reason(change, code, reason):
    answer = place(PICKY, [GOOD, replace(GOOD, host_id="bad", name="bad", **change)])
    assert answer.host_name == "good"
    assert [(o.host_name, o.code, o.reason, o.fits) for o in answer.others] == [
        ("bad", code, reason, False)
    ]


def test_reserve_is_the_pools():
    rules = PoolRules(memory_reserve_mib=4096)
    assert not place(DEMAND, [host("a", memory_free_mib=5000)], rules=rules).host_id


def test_only_the_host_that_was_asked_for():
    answer = place(replace(DEMAND, host="b"), [host("a"), host("b", memory_free_mib=2048)])
    assert (answer.host_name, answer.code) == ("b", "chosen.asked-for")
    assert answer.others[0].code == "host.not-asked-for"


def test_group_is_joined_where_it_runs_unless_that_host_is_down():
    demand = replace(DEMAND, together=frozenset({"shop"}))
    full, home = host("a"), host("b", memory_free_mib=4096, groups={"shop": 1})
    assert place(demand, [full, home]).host_name == "b"
    assert place(demand, [full, home]).others[0].code == "affinity.together"
    assert place(demand, [full, replace(home, up=False)]).host_name == "a"


def test_two_groups_in_two_places_leave_no_host():
    demand = replace(DEMAND, together=frozenset({"shop", "mail"}))
    pool = [host("a", groups={"shop": 1}), host("b", groups={"mail": 1})]
    assert not place(demand, pool).host_id


@pytest.mark.parametrize(("wish", "chosen"), [("prefer_together", "b"), ("prefer_apart", "a")])
def test_wishes_outweigh_room(wish, chosen):
    pool = [host("a"), host("b", groups={"shop": 1})]
    if wish == "prefer_together":
        pool[1] = replace(pool[1], memory_free_mib=4096)
    else:
        pool[0] = replace(pool[0], memory_free_mib=4096)
    answer = place(replace(DEMAND, **{wish: frozenset({"shop"})}), pool)
    assert (answer.host_name, answer.code) == (chosen, "chosen.affinity")
    assert answer.others[0].code == "outranked.affinity"


def test_busy_cpus_weigh_against_free_memory():
    busy = host("busy", cpu_used=8.0)
    answer = place(DEMAND, [busy, host("calm", memory_free_mib=14000)])
    assert (answer.host_name, answer.code) == ("calm", "chosen.room")
    assert answer.others[0].code == "outranked.room"


def test_most_free_memory_is_said():
    answer = place(DEMAND, [host("a"), host("b", memory_free_mib=8000)])
    assert answer.reason == "has the most free memory (16384 MiB)"
    assert answer.others[0].reason == "has less free memory than a (8000 MiB)"


hosts = st.lists(
    st.builds(
        dict,
        memory_free_mib=st.integers(-500, 16384),
        up=st.booleans(),
        maintenance=st.booleans(),
        cpu_used=st.floats(0, 16),
        tags=st.frozensets(st.sampled_from("xy")),
        groups=st.dictionaries(st.sampled_from("gh"), st.integers(0, 2)),
    ),
    max_size=6,
).map(lambda rows: [host(f"h{n}", **row) for n, row in enumerate(rows)])
groups = st.frozensets(st.sampled_from("gh"))
demands = st.builds(
    Demand,
    memory_mib=st.integers(1, 9000),
    vcpus=st.integers(1, 4),
    together=groups,
    apart=groups,
    prefer_together=groups,
    prefer_apart=groups,
    tags_required=st.frozensets(st.sampled_from("xy"), max_size=1),
    tags_forbidden=st.frozensets(st.sampled_from("xy"), max_size=1),
)


@given(demands, hosts)
def test_every_host_is_either_chosen_or_has_its_reason(demand, pool):
    answer = place(demand, pool)
    homes = homes_of(demand, pool)
    able = {h.host_id for h in pool if not obstacle(demand, h, PoolRules(), homes=homes)}
    assert bool(answer.host_id) == bool(able)
    assert not answer.host_id or answer.host_id in able
    assert {o.host_id for o in answer.others} | {answer.host_id} - {""} == {h.host_id for h in pool}
    assert {o.host_id for o in answer.others if o.fits} == able - {answer.host_id}
    assert all(o.code and o.reason for o in answer.others)
