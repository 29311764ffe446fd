"""Addresses for the lab's guests: one dnsmasq on the lab's bridge.

It gives out addresses and nothing else: it resolves no names, and answers on no other interface.
"""

import os
import subprocess
from pathlib import Path

from castalia.errors import HypervisorError
from castalia.lab import namespace, requirements
from castalia.lab.addressing import Addressing

_MARKER = "CASTALIA_LAB_WIRES"
_START_LIMIT_S = 20


def start(directory: Path, addressing: Addressing) -> None:
    """Starts the server, which keeps its leases in `directory`; one that runs is no error.

    Returns once it answers. Raises HypervisorError.
    """
    if pid(directory) is not None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [requirements.program("dnsmasq"), *_options(directory, addressing)],
        capture_output=True,
        text=True,
        timeout=_START_LIMIT_S,
        start_new_session=True,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), _MARKER: str(directory)},
        check=False,
    )
    if done.returncode != 0:
        remedy = "Another DHCP server may hold the port on every interface; see `ss -lunp`."
        message = "The lab's DHCP server did not start."
        raise HypervisorError(message, remedy=remedy, detail=done.stderr.strip())


def stop(directory: Path) -> None:
    """Ends the server; one that is gone is no error."""
    if (found := pid(directory)) is not None:
        namespace.kill(found)


def pid(directory: Path) -> int | None:
    """The server's process id, or None when it does not run."""
    return namespace.find(directory, marker=_MARKER)


def leases(directory: Path) -> dict[str, str]:
    """Which hardware address has been given which address."""
    file = _lease_file(directory)
    lines = file.read_text().splitlines() if file.exists() else []
    fields = [line.split() for line in lines]  # expiry, hardware address, address, name, client id
    return {words[1]: words[2] for words in fields if len(words) >= 3}


def _lease_file(directory: Path) -> Path:
    return directory / "leases"


def _options(directory: Path, addressing: Addressing) -> list[str]:
    first, last = addressing.guests
    return [
        "--conf-file=/dev/null",  # not the machine's own
        "--pid-file=",
        "--port=0",
        "--bind-interfaces",
        f"--interface={addressing.bridge}",
        "--except-interface=lo",
        f"--dhcp-range={first},{last},{addressing.subnet.netmask},1h",
        f"--dhcp-leasefile={_lease_file(directory)}",
        "--dhcp-authoritative",
        "--dhcp-no-override",
        "--no-ping",  # it would wait for three seconds; nobody takes addresses by himself here
        f"--log-facility={directory / 'dnsmasq.log'}",
    ]
