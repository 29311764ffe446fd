"""This machine's packet filter, as far as the lab's bridge is concerned.

Container engines have the kernel show it bridged packets too, and drop what they do not know: hosts
would then not find each other. And guests get a way out by the machine's own address, if it
forwards packets at all; whether it does is for its owner to say.
"""

import contextlib

from castalia.errors import HypervisorError
from castalia.lab.addressing import Addressing
from castalia.lab.wires import run


def let_through(addressing: Addressing) -> None:
    """Lets the lab's packets through; rules that are there are kept. Raises HypervisorError."""
    for table, rule in _rules(addressing):
        if not _has(table, rule):
            # First, since whatever drops packets may stand anywhere.
            run("iptables", ["--wait", "--table", table, "--insert", *rule])


def forget(addressing: Addressing) -> None:
    """Removes the rules; those that are gone are no error."""
    for table, rule in _rules(addressing):
        while _has(table, rule):
            run("iptables", ["--wait", "--table", table, "--delete", *rule])


def _rules(addressing: Addressing) -> list[tuple[str, list[str]]]:
    bridge, subnet = addressing.bridge, str(addressing.subnet)
    answers = ["--match", "conntrack", "--ctstate", "ESTABLISHED,RELATED"]
    masquerade = ["--source", subnet, "!", "--destination", subnet, "--jump", "MASQUERADE"]
    return [
        ("filter", ["FORWARD", "--in-interface", bridge, "--jump", "ACCEPT"]),
        ("filter", ["FORWARD", "--out-interface", bridge, *answers, "--jump", "ACCEPT"]),
        ("nat", ["POSTROUTING", *masquerade]),
    ]


def _has(table: str, rule: list[str]) -> bool:
    with contextlib.suppress(HypervisorError):  # that is how it says no
        run("iptables", ["--wait", "--table", table, "--check", *rule])
        return True
    return False
