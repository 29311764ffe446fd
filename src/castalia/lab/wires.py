"""The lab's wires: a bridge on this machine, and a cable from it to a bridge `br0` in each host.

Guests plug into `br0`, so that they, the hosts and this machine share one network. A cable is a
pair of interfaces: its outer end stays on this machine and can be cut, its inner end vanishes
together with the host, and takes the outer one along.
"""

import contextlib
import fcntl
import json
import os
import re
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

from castalia.errors import HypervisorError, NotFound, Unsupported
from castalia.lab import requirements
from castalia.lab.addressing import Addressing
from castalia.lab.wiring import Wiring

GUEST_BRIDGE = "br0"
"""The bridge in each host into which its guests plug."""

_SECONDS = 20
_INTERFACES = Path("/sys/class/net")
_IFF_UP = 0x1


# --- the lab's bridge ---
def taken() -> list[IPv4Network]:
    """Every network that this machine has a route to, but for the whole world."""
    routes = json.loads(run("ip", ["-4", "-json", "route", "show", "table", "all"]) or "[]")
    words = [route["dst"] for route in routes if route["dst"] != "default"]
    return [IPv4Network(word, strict=False) for word in words]


@contextlib.contextmanager
def choosing() -> Iterator[None]:
    """Nobody else chooses a network meanwhile: between looking and taking there is a gap.

    It is the directory itself that is locked, so no lock file is left.
    """
    descriptor = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lay_bridge(addressing: Addressing) -> None:
    """Makes the lab's bridge with its address; one that is there is no error."""
    if exists(addressing.bridge):
        return
    bridge, address = addressing.bridge, addressing.gateway
    batch(
        f"link add {bridge} address {addressing.mac()} type bridge stp_state 0 forward_delay 0",
        f"address add {address} broadcast + dev {bridge}",
        f"link set {bridge} up",
    )


def remove(interface: str) -> None:
    """Removes an interface of this machine; one that is gone is no error."""
    with contextlib.suppress(NotFound):
        run("ip", ["link", "delete", interface])


def exists(interface: str) -> bool:
    """Whether this machine has an interface of that name."""
    return (_INTERFACES / interface).exists()


# --- a host's cable ---
def plug(pid: int, wiring: Wiring) -> None:
    """Lays the cable to the host whose first process is `pid`, and gives the host its address.

    Raises HypervisorError.
    """
    remove(wiring.port)  # of an earlier life: the kernel takes its time with dead namespaces
    batch(
        f"link add {wiring.port} type veth peer name eth0 netns {pid}",
        f"link set {wiring.port} master {wiring.bridge} up",
    )
    batch(*_inner_end(wiring), pid=pid)


def _inner_end(wiring: Wiring) -> list[str]:
    bridge = GUEST_BRIDGE
    return [
        f"link add {bridge} address {wiring.mac} type bridge stp_state 0 forward_delay 0",
        f"link set eth0 master {bridge} up",
        f"address add {wiring.address} broadcast + dev {bridge}",
        f"link set {bridge} up",
        f"route add default via {wiring.gateway} dev {bridge}",
    ]


def cut(port: str) -> None:
    """Cuts the cable: nothing gets through in either direction, while all runs on at both ends."""
    run("ip", ["link", "set", port, "down"])


def heal(port: str) -> None:
    """Mends the cable and takes every delay from it."""
    run("ip", ["link", "set", port, "up"])
    with contextlib.suppress(HypervisorError):  # there was no delay
        run("tc", ["qdisc", "delete", "dev", port, "root"])


def is_cut(port: str) -> bool:
    """Whether the cable is cut; no cable at all counts as one that is."""
    with contextlib.suppress(FileNotFoundError):
        return not int((_INTERFACES / port / "flags").read_text(), 16) & _IFF_UP
    return True


def delay(port: str, ms: int) -> None:
    """Has whatever goes to the host wait for `ms`. Raises Unsupported where the kernel cannot."""
    argv = ["qdisc", "replace", "dev", port, "root", "netem", "delay", f"{ms}ms", "limit", "10000"]
    try:
        run("tc", argv)
    except NotFound:
        raise
    except HypervisorError as error:
        remedy = "Load it (modprobe sch_netem), or cut the host off instead."
        message = "This machine's kernel cannot delay packets: it has no netem."
        raise Unsupported(message, remedy=remedy, detail=error.detail) from error


def delay_ms(port: str) -> int:
    """How long whatever goes to the host waits."""
    with contextlib.suppress(HypervisorError, NotFound):
        found = re.search(r"delay ([0-9.]+)(ms|s)\b", run("tc", ["qdisc", "show", "dev", port]))
        return round(float(found[1]) * (1000 if found[2] == "s" else 1)) if found else 0
    return 0


# --- iproute2 ---
def batch(*lines: str, pid: int | None = None) -> None:
    """Has `ip` do one line after the other, on this machine or in the host with that process."""
    argv = ["-batch", "-"]
    if pid is None:
        run("ip", argv, stdin="\n".join(lines))
    else:
        enter = [f"--net=/proc/{pid}/ns/net", requirements.program("ip"), *argv]
        run("nsenter", enter, stdin="\n".join(lines))


def run(program: str, argv: list[str], *, stdin: str = "") -> str:
    """What the program prints. Raises NotFound if it misses an interface, else HypervisorError."""
    done = subprocess.run(
        [requirements.program(program), *argv],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    detail = f"{program} {' '.join(argv)}: {done.stderr.strip()}"
    if "Cannot find device" in done.stderr:
        remedy = "See which hosts are up: castalia lab status"
        raise NotFound("There is no such cable in the lab.", remedy=remedy, detail=detail)
    remedy = "What the kernel said is in the log."
    raise HypervisorError("The lab's network could not be changed.", remedy=remedy, detail=detail)
