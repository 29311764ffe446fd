"""Decides whether KVM is really usable on this machine, by measuring it.

`/dev/kvm` can exist, open and create a VM and still be worthless, and libvirt's capabilities then
say `kvm` all the same. KVM is taken only if it runs the probe firmware within the limit and not
slower than emulation does. What was measured is kept in a file until kernel, boot, QEMU or device
change.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from castalia.hypervisor.probe_firmware import EXIT_CODE, EXIT_PORT, probe_firmware
from castalia.model.capabilities import Accelerator, AcceleratorFinding
from castalia.settings import AcceleratorSettings

_KVM = Path("/dev/kvm")
_EMULATION_LIMIT_S = 10.0
_TIMED_OUT = frozenset({124, 137})


@dataclass(frozen=True, kw_only=True)
class ProbeRun:
    """How one run of the probe ended: in `ms` milliseconds, or not and why."""

    ms: float | None
    failure: str = ""


def find_accelerator(
    emulator: str, *, settings: AcceleratorSettings, state_file: Path | None = None
) -> AcceleratorFinding:
    """Which accelerator this machine's VMs get, with the figures and the reason.

    `emulator` is the path of QEMU. A finding in `state_file` is used while it applies. Takes at
    most a few seconds and never leaves a QEMU behind.
    """
    if settings.override:
        return overridden(settings.override)
    key = _circumstances(emulator, settings)
    if state_file and (known := _recall(state_file, key)):
        return known
    finding = _measure(emulator, settings)
    if state_file and finding.measured:
        _remember(state_file, key, finding)
    return finding


def overridden(choice: str) -> AcceleratorFinding:
    """The finding for an accelerator that the settings name (`kvm`, or anything for emulation)."""
    accelerator = Accelerator.KVM if choice == Accelerator.KVM else Accelerator.EMULATED
    return AcceleratorFinding(
        accelerator=accelerator, reason=f"set to {accelerator.value} in the settings, not measured"
    )


def judge(
    *, kvm: ProbeRun, emulation: ProbeRun, settings: AcceleratorSettings
) -> AcceleratorFinding:
    """Chooses between the two by their runs of the same probe."""
    fast_enough = kvm.ms is not None and (
        emulation.ms is None or kvm.ms <= settings.ratio * emulation.ms
    )
    return AcceleratorFinding(
        accelerator=Accelerator.KVM if fast_enough else Accelerator.EMULATED,
        reason=_reason(kvm, emulation, fast_enough=fast_enough),
        measured=True,
        kvm_ms=kvm.ms,
        emulation_ms=emulation.ms,
    )


def _reason(kvm: ProbeRun, emulation: ProbeRun, *, fast_enough: bool) -> str:
    other = f"emulation: {emulation.ms:.0f} ms" if emulation.ms is not None else emulation.failure
    if kvm.ms is None:
        return f"/dev/kvm is there but {kvm.failure} ({other})"
    if fast_enough:
        return f"KVM finished the probe in {kvm.ms:.0f} ms ({other})"
    return f"/dev/kvm works but is slower than emulation: {kvm.ms:.0f} ms ({other})"


def _measure(emulator: str, settings: AcceleratorSettings) -> AcceleratorFinding:
    if not _KVM.exists():
        return AcceleratorFinding(
            accelerator=Accelerator.EMULATED,
            reason="there is no /dev/kvm: the CPU or the firmware does not offer virtualization",
        )
    if not emulator.endswith("x86_64"):
        return AcceleratorFinding(
            accelerator=Accelerator.EMULATED,
            reason=f"not measured: there is no probe for {Path(emulator).name}",
        )
    with tempfile.TemporaryDirectory(prefix="castalia-probe-") as directory:
        firmware = Path(directory) / "probe.bin"
        firmware.write_bytes(probe_firmware())
        emulation = run_probe(emulator, firmware, accel="tcg", limit_s=_EMULATION_LIMIT_S)
        kvm = run_probe(emulator, firmware, accel="kvm", limit_s=settings.probe_limit_s)
    return judge(kvm=kvm, emulation=emulation, settings=settings)


def run_probe(emulator: str, firmware: Path, *, accel: str, limit_s: float) -> ProbeRun:
    """Runs the probe once with QEMU's accelerator `accel` (`tcg` or `kvm`), at most `limit_s`."""
    # timeout(1) outlives a killed manager, so a QEMU that hangs in KVM is ended even then.
    guard = ["timeout", "-k", "1", f"{limit_s:g}"]
    started = time.monotonic()
    try:
        process = subprocess.run(
            guard + _qemu(emulator, firmware, accel),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=limit_s + 3,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return ProbeRun(ms=None, failure=f"the probe could not be run: {type(error).__name__}")
    elapsed_ms = (time.monotonic() - started) * 1000
    if process.returncode == EXIT_CODE:
        return ProbeRun(ms=round(elapsed_ms, 1))
    return ProbeRun(ms=None, failure=_failure(process, accel=accel, limit_s=limit_s))


def _qemu(emulator: str, firmware: Path, accel: str) -> list[str]:
    exit_device = f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=0x04"
    return [
        emulator, "-accel", accel, "-machine", "pc", "-m", "16", "-nodefaults",
        "-display", "none", "-device", exit_device, "-no-reboot", "-bios", str(firmware),
    ]  # fmt: skip


def _failure(process: subprocess.CompletedProcess[bytes], *, accel: str, limit_s: float) -> str:
    if process.returncode in _TIMED_OUT:
        return f"did not finish the probe within {limit_s:g} s"
    if b"ermission denied" in process.stderr:
        return "may not be opened by this user"
    return f"QEMU could not run the probe with {accel} (exit code {process.returncode})"


# --- memory of earlier findings ---


def _circumstances(emulator: str, settings: AcceleratorSettings) -> str:
    """What a finding depends on, as text: it does not hold after any of it changed."""
    parts = [
        os.uname().release,
        _text("/proc/sys/kernel/random/boot_id"),
        emulator,
        _stamp(Path(emulator)),
        _stamp(_KVM),
        str(os.access(_KVM, os.R_OK | os.W_OK)),
        f"{settings.probe_limit_s:g}",
        f"{settings.ratio:g}",
    ]
    return "|".join(parts)


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "absent"
    return f"{status.st_size}-{status.st_mtime_ns if status.st_size else status.st_rdev}"


def _recall(state_file: Path, key: str) -> AcceleratorFinding | None:
    try:
        found = json.loads(state_file.read_text())[key]
        return AcceleratorFinding(**{**found, "accelerator": Accelerator(found["accelerator"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no memory, or one that cannot be read: measured again


def _remember(state_file: Path, key: str, finding: AcceleratorFinding) -> None:
    state_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=state_file.parent, delete=False) as draft:
        json.dump({key: asdict(finding)}, draft, indent=1)
    Path(draft.name).replace(state_file)
