"""Whether a test run left something behind on this machine.

    python -m tests.leaks --before FILE    writes down what there is
    python -m tests.leaks --after FILE     prints what has come since, and fails if that is anything

It looks at processes of the kinds that tests start, network namespaces and interfaces, mounts,
cgroups, loop devices, packet filter rules, and lab hosts. Processes of other users of the machine
that started meanwhile are shown too: run it where nobody else works.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.lab_fixture import STATE_DIR

_KINDS = ("qemu", "libvirtd", "virtlogd", "dnsmasq", "postgres", "chrom", "castalia")
_OWN_NAMES = ("castalia-lab-", "castalia-test-")


def processes() -> Iterable[str]:
    """Processes of the kinds that tests start, by number, moment of start and command."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
            started = (directory / "stat").read_text().rpartition(")")[2].split()[19]
        except OSError:
            continue
        program = Path(words[0].decode(errors="replace")).name
        if program.startswith(_KINDS) or _is_lab_host(directory):
            yield f"{directory.name} (started at {started}) {b' '.join(words).decode()[:120]}"


def _is_lab_host(process: Path) -> bool:
    try:
        return b"CASTALIA_LAB_HOST=" in (process / "environ").read_bytes()
    except OSError:
        return False


def namespaces() -> Iterable[str]:
    """Named network namespaces."""
    directory = Path("/run/netns")
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []


def interfaces() -> Iterable[str]:
    """Network interfaces, such as bridges and taps that libvirt made."""
    return [entry.name for entry in Path("/sys/class/net").iterdir()]


def mounts() -> Iterable[str]:
    """Mounts, by place and type."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        yield f"{before.split()[4]} ({after.split()[0]})"


def cgroups() -> Iterable[str]:
    """Groups that lab hosts or a libvirt made."""
    for directory in Path("/sys/fs/cgroup").glob("**/"):
        if directory.name.startswith((*_OWN_NAMES, "machine", "qemu-")):
            yield str(directory)


def loop_devices() -> Iterable[str]:
    """Loop devices with a file behind them."""
    for directory in Path("/sys/block").glob("loop*/loop"):
        yield f"{directory.parent.name}: {(directory / 'backing_file').read_text().strip()}"


def packet_filter_rules() -> Iterable[str]:
    """Rules that labs made; others come and go with other people's networks."""
    if os.geteuid() != 0 or not (program := shutil.which("iptables-save")):
        return []
    lines = subprocess.run([program], capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if " lab-" in line or " 10.76." in line]


def lab_hosts() -> Iterable[str]:
    """What is written down of lab hosts for tests."""
    return [entry.name for entry in STATE_DIR.iterdir()] if STATE_DIR.is_dir() else []


LOOKS: dict[str, Callable[[], Iterable[str]]] = {
    "process": processes,
    "network namespace": namespaces,
    "network interface": interfaces,
    "mount": mounts,
    "cgroup": cgroups,
    "loop device": loop_devices,
    "packet filter rule": packet_filter_rules,
    "lab host": lab_hosts,
}


def seen() -> dict[str, list[str]]:
    """Everything that there is now, by kind."""
    return {kind: sorted(look()) for kind, look in LOOKS.items()}


def left_over(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """What has come, one line for each."""
    return [
        f"{kind}: {item}"
        for kind, items in after.items()
        for item in items
        if item not in before.get(kind, [])
    ]


def main(arguments: list[str]) -> int:
    """Returns 1 if something was left behind."""
    parser = argparse.ArgumentParser(description="Finds what tests left behind.")
    moment = parser.add_mutually_exclusive_group(required=True)
    moment.add_argument("--before", type=Path, metavar="FILE")
    moment.add_argument("--after", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.before:
        options.before.write_text(json.dumps(seen()))
        return 0
    left = left_over(json.loads(options.after.read_text()), seen())
    for line in left:
        print(f"left behind: {line}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
