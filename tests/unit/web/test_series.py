"""Chart columns and backing chains: what is computed for pages."""

from datetime import UTC, datetime, timedelta

from castalia.model.metric import Sample
from castalia.model.storage import Volume, VolumeFacts, VolumeFormat
from castalia.web.backing import forest
from castalia.web.charts import columns

START = datetime(2026, 3, 1, tzinfo=UTC)


def sample(second: int, cpu: float = 0.5) -> Sample:
    return Sample(
        subject="vm:1",
        at=START + timedelta(seconds=second),
        cpu_fraction=cpu,
        memory_used_mib=100,
        memory_mib=200,
        disk_read_bps=1.0,
        disk_write_bps=2.0,
        disk_iops=3.0,
        net_rx_bps=4.0,
        net_tx_bps=5.0,
    )


def test_samples_become_columns() -> None:
    found = columns([sample(0, 0.1), sample(10, 0.2)], step_s=10)
    assert found["cpu_fraction"] == [0.1, 0.2]
    assert found["at"] == [START.timestamp(), START.timestamp() + 10]


def test_a_long_pause_is_a_gap() -> None:
    found = columns([sample(0), sample(600)], step_s=10)
    assert found["cpu_fraction"] == [0.5, None, 0.5]
    assert found["at"] == sorted(found["at"], key=float)


def test_no_sample_is_no_point() -> None:
    assert columns([], step_s=10)["at"] == []


def volume(name: str, backing: str = "") -> Volume:
    facts = VolumeFacts(
        name=name,
        path=f"/pool/{name}",
        format=VolumeFormat.QCOW2,
        capacity_bytes=1,
        allocation_bytes=1,
        backing_path=f"/pool/{backing}" if backing else "",
    )
    return Volume(id=name, repository_id="r", facts=facts)


def test_what_stands_on_a_base_follows_it() -> None:
    rows = forest([volume("leaf", "mid"), volume("base"), volume("mid", "base"), volume("other")])
    shown = [(row.volume.facts.name, row.depth, row.children) for row in rows]
    assert shown == [("base", 0, 1), ("mid", 1, 1), ("leaf", 2, 0), ("other", 0, 0)]


def test_a_base_elsewhere_makes_no_volume_vanish() -> None:
    assert [row.depth for row in forest([volume("leaf", "not-here")])] == [0]


def test_a_chain_that_bites_its_tail_ends() -> None:
    rows = forest([volume("a", "b"), volume("b", "a"), volume("c", "c")])
    assert sorted(row.volume.facts.name for row in rows) == ["a", "b", "c"]
