"""Rates from totals, and the packed series."""

from dataclasses import replace

import pytest

from castalia.model.metric import HostCounters, VmCounters
from castalia.model.rates import Rates, host_rates, vm_rates
from castalia.model.series import Series

BEFORE = VmCounters(
    uuid="u",
    cpu_ns=10**9,
    vcpus=2,
    memory_mib=512,
    memory_used_mib=None,
    disk_read_bytes=100,
    disk_write_bytes=100,
    disk_read_ops=1,
    disk_write_ops=1,
    net_rx_bytes=100,
    net_tx_bytes=100,
)


def test_rates_are_per_second_and_cpu_is_of_all_cpus() -> None:
    after = replace(BEFORE, cpu_ns=11 * 10**9, disk_write_bytes=5100, disk_read_ops=21)
    rates = vm_rates(BEFORE, after, elapsed_s=10)
    assert rates is not None
    assert (rates.cpu_fraction, rates.disk_write_bps, rates.disk_iops) == (0.5, 500, 2)
    assert rates.memory_used_mib == 512


@pytest.mark.parametrize("total", ["cpu_ns", "disk_read_bytes", "net_tx_bytes"])
def test_a_total_that_went_backwards_gives_no_rates(total: str) -> None:
    assert vm_rates(BEFORE, replace(BEFORE, **{total: 0}), elapsed_s=10) is None


def test_a_host_has_the_rates_of_its_vms() -> None:
    before = HostCounters(cpu_busy_ns=0, cpu_total_ns=0, memory_used_mib=1, memory_free_mib=2)
    after = replace(before, cpu_busy_ns=25, cpu_total_ns=100)
    guest = Rates(cpu_fraction=1, memory_used_mib=1, memory_mib=1, net_rx_bps=7)
    rates = host_rates(before, after, vms=[guest, guest])
    assert rates is not None
    assert (rates.cpu_fraction, rates.memory_mib, rates.net_rx_bps) == (0.25, 3, 14)
    assert host_rates(after, before, vms=[]) is None


def rates(cpu: float) -> Rates:
    return Rates(cpu_fraction=cpu, memory_used_mib=100, memory_mib=512, net_tx_bps=3)


def empty() -> Series:
    return Series(starts_at=900, span_s=900, step_s=10)


def test_a_series_survives_packing() -> None:
    series = empty()
    series.put(910, rates(0.25), covers_s=10)
    series.put(1799, rates(0.5), covers_s=9)
    again = Series(starts_at=900, span_s=900, step_s=10, data=series.packed())
    assert list(again.points()) == [(900, rates(0.25)), (1790, rates(0.5))]
    assert list(again.cpu()) == [(900, 0.25), (1790, 0.5)]
    mean = again.mean()
    assert mean is not None
    assert mean.cpu_fraction == 0.375


def test_uneven_readings_leave_no_gap() -> None:
    series, at = empty(), 900.0
    for late in (11.4, 8.9, 14.0, 14.0, 6.1, 9.9):
        at += late
        series.put(at, rates(0.5), covers_s=late)
    assert [time for time, _ in series.points()] == list(range(900, 960, 10))


def test_filling_keeps_what_is_there() -> None:
    newer, older = empty(), empty()
    newer.put(920, rates(0.75), covers_s=10)
    older.put(910, rates(0.25), covers_s=10)
    older.put(920, rates(0.25), covers_s=10)
    newer.fill(older)
    assert list(newer.cpu()) == [(900, 0.25), (910, 0.75)]


def test_an_empty_series_has_no_mean() -> None:
    assert empty().mean() is None


@pytest.mark.parametrize("data", [b"nonsense", Series(starts_at=0, span_s=60, step_s=10).packed()])
def test_what_is_no_packed_series_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        Series(starts_at=900, span_s=900, step_s=10, data=data)
