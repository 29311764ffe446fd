"""The accelerator's choice, and the probe really run in emulation."""

import shutil
from pathlib import Path

import pytest

from castalia.hypervisor import accelerator
from castalia.hypervisor.accelerator import ProbeRun, find_accelerator, judge, run_probe
from castalia.hypervisor.probe_firmware import probe_firmware
from castalia.model.capabilities import Accelerator
from castalia.settings import AcceleratorSettings

QEMU = shutil.which("qemu-system-x86_64") or ""
needs_qemu = pytest.mark.skipif(not QEMU, reason="qemu-system-x86_64 is not installed")
SETTINGS = AcceleratorSettings()


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    path = tmp_path / "probe.bin"
    path.write_bytes(probe_firmware())
    return path


@needs_qemu
def test_the_probe_passes_in_emulation(firmware: Path) -> None:
    assert run_probe(QEMU, firmware, accel="tcg", limit_s=30).ms is not None


@needs_qemu
def test_a_guest_that_never_answers_is_ended_at_the_limit(firmware: Path) -> None:
    image = bytearray(probe_firmware())
    image[0xE000:0xE002] = b"\xeb\xfe"  # jumps to itself
    firmware.write_bytes(image)

    run = run_probe(QEMU, firmware, accel="tcg", limit_s=0.5)

    assert run.ms is None
    assert run.failure == "did not finish the probe within 0.5 s"


@needs_qemu
def test_without_its_exception_handler_the_probe_does_not_pass(firmware: Path) -> None:
    image = bytearray(probe_firmware())
    image[0xE500 + 16 * 6 + 5] = 0  # the gate is not present: the exception becomes a triple fault
    firmware.write_bytes(image)

    assert run_probe(QEMU, firmware, accel="tcg", limit_s=5).ms is None


def test_a_missing_qemu_is_a_failure_in_words(firmware: Path) -> None:
    run = run_probe("/nonexistent/qemu-system-x86_64", firmware, accel="tcg", limit_s=1)
    assert run.ms is None
    assert "exit code" in run.failure


@pytest.mark.parametrize(
    ("kvm_ms", "emulation_ms", "ratio", "expected"),
    [
        (40.0, 84.0, 1.0, Accelerator.KVM),
        (84.0, 84.0, 1.0, Accelerator.KVM),
        (90.0, 84.0, 1.0, Accelerator.EMULATED),
        (90.0, 84.0, 2.0, Accelerator.KVM),
        (90.0, None, 1.0, Accelerator.KVM),
        (None, 84.0, 1.0, Accelerator.EMULATED),
        (None, None, 1.0, Accelerator.EMULATED),
    ],
)
def test_kvm_is_taken_only_if_it_beats_emulation(
    kvm_ms: float | None, emulation_ms: float | None, ratio: float, expected: Accelerator
) -> None:
    finding = judge(
        kvm=ProbeRun(ms=kvm_ms),
        emulation=ProbeRun(ms=emulation_ms),
        settings=AcceleratorSettings(ratio=ratio),
    )
    assert finding.accelerator is expected
    assert finding.measured


def test_the_reason_holds_the_figures() -> None:
    finding = judge(
        kvm=ProbeRun(ms=None, failure="did not finish the probe within 2 s"),
        emulation=ProbeRun(ms=84.2),
        settings=SETTINGS,
    )
    assert finding.reason == (
        "/dev/kvm is there but did not finish the probe within 2 s (emulation: 84 ms)"
    )


def test_the_settings_decide_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "_measure", _must_not_run)
    finding = find_accelerator("qemu", settings=AcceleratorSettings(override="kvm"))
    assert finding.accelerator is Accelerator.KVM
    assert not finding.measured


def test_a_finding_is_kept_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state" / "accelerator.json"
    measured = judge(kvm=ProbeRun(ms=10), emulation=ProbeRun(ms=20), settings=SETTINGS)
    monkeypatch.setattr(accelerator, "_measure", lambda *_: measured)
    first = find_accelerator("qemu", settings=SETTINGS, state_file=state)

    monkeypatch.setattr(accelerator, "_measure", _must_not_run)
    assert find_accelerator("qemu", settings=SETTINGS, state_file=state) == first
    with pytest.raises(AssertionError, match="measured again"):
        find_accelerator("another-qemu", settings=SETTINGS, state_file=state)


def test_an_unreadable_memory_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "accelerator.json"
    state.write_text("{half a fil")
    monkeypatch.setattr(accelerator, "_measure", _must_not_run)
    with pytest.raises(AssertionError, match="measured again"):
        find_accelerator("qemu", settings=SETTINGS, state_file=state)


def _must_not_run(*_: object) -> None:
    raise AssertionError("measured again")
