"""A fence agent for lab hosts, as cluster managers know them: `python -m castalia.lab.fence`.

It reads `name=value` lines from standard input, does one action, and says with its exit code how
that went: 0 well, 1 not, and 2 that the host is off when its status was asked. See
https://github.com/ClusterLabs/fence-agents/blob/main/doc/FenceAgentAPI.md.

`off` is done once every process of the host is dead: what its VMs wrote until then is all that they
will ever write, as whoever is just booting the host is stopped too.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from castalia import verbs
from castalia.errors import CastaliaError, HypervisorError, InvalidRequest
from castalia.lab.host import STATE_DIR
from castalia.lab.lab import Lab

_GOOD, _FAILED, _IS_OFF = 0, 1, 2
_ALIASES = {"action": ("option",), "plug": ("port", "nodename")}  # older names, best first

_METADATA = """\
<?xml version="1.0" ?>
<resource-agent name="fence_castalia_lab" shortdesc="Fence agent for hosts of a Castalia lab">
<longdesc>Cuts the power of a host that exists in namespaces on this machine.</longdesc>
<vendor-url>https://github.com/castalia</vendor-url>
<parameters>
{parameters}
</parameters>
<actions>
{actions}
</actions>
</resource-agent>
"""
_PARAMETERS = {
    "action": ("reboot", "What to do"),
    "plug": ("", "The host: h1, h2 and so on"),
    "lab": ("lab", "The lab's name"),
    "state_dir": (str(STATE_DIR), "Where labs are kept"),
}


def main(lines: TextIO | None = None) -> int:
    """Does what is asked; returns the exit code."""
    try:
        options = parsed(lines or sys.stdin)
        action = options.get("action") or "reboot"
        if action not in _ACTIONS:
            remedy = f"Use one of {', '.join(_ACTIONS)}."
            raise InvalidRequest(f"There is no action {action!r}.", field="action", remedy=remedy)
        return _ACTIONS[action](options)
    except CastaliaError as error:
        sys.stderr.write(verbs.reason(error))
        return _FAILED


def parsed(lines: TextIO) -> dict[str, str]:
    """The options by name. As the interface has it, comments, empty lines and names that nobody
    knows are no error."""
    pairs = [line.strip().partition("=") for line in lines if not line.startswith("#")]
    options = {name: value for name, _, value in pairs if value}
    for name, others in _ALIASES.items():
        found = [options[word] for word in (name, *others) if word in options]
        options |= {name: found[0]} if found else {}
    return options


def _lab(options: Mapping[str, str]) -> Lab:
    state_dir = Path(options.get("state_dir") or STATE_DIR)
    return Lab(options.get("lab") or "lab", state_dir=state_dir)


def _plug(options: Mapping[str, str]) -> str:
    if plug := options.get("plug"):
        return plug
    raise InvalidRequest("No host is named.", field="plug", remedy="Add a line: plug=h1")


def _off(options: Mapping[str, str]) -> int:
    lab, plug = _lab(options), _plug(options)
    lab.crash(plug)
    return _require(lab.host(plug).pid is None, f"{plug} is still on.")


def _on(options: Mapping[str, str]) -> int:
    lab, plug = _lab(options), _plug(options)
    lab.start(plug)
    return _require(lab.host(plug).pid is not None, f"{plug} is still off.")


def _reboot(options: Mapping[str, str]) -> int:
    return _off(options) or _on(options)


def _status(options: Mapping[str, str]) -> int:
    running = _lab(options).host(_plug(options)).pid is not None
    sys.stdout.write(f"Status: {'ON' if running else 'OFF'}\n")
    return _GOOD if running else _IS_OFF


def _monitor(options: Mapping[str, str]) -> int:
    _lab(options).status()
    return _GOOD


def _list(options: Mapping[str, str]) -> int:
    for host in _lab(options).status().hosts:
        sys.stdout.write(f"{host.name},{host.address}\n")
    return _GOOD


def _validate(options: Mapping[str, str]) -> int:
    _lab(options).host(_plug(options))
    return _GOOD


def _metadata(_options: Mapping[str, str]) -> int:
    parameters = [_parameter(name, *words) for name, words in _PARAMETERS.items()]
    actions = [f'\t<action name="{name}"/>' for name in _ACTIONS]
    sys.stdout.write(_METADATA.format(parameters="\n".join(parameters), actions="\n".join(actions)))
    return _GOOD


def _parameter(name: str, default: str, text: str) -> str:
    required = ' required="1"' if name == "plug" else ""
    return (
        f'\t<parameter name="{name}"{required}>\n'
        f'\t\t<content type="string" default="{default}"/>\n'
        f'\t\t<shortdesc lang="en">{text}</shortdesc>\n'
        "\t</parameter>"
    )


def _require(condition: bool, message: str) -> int:  # noqa: FBT001 -- reads like an assertion
    if not condition:
        raise HypervisorError(
            message, remedy="Try it again; if it stays so, cut the power by hand."
        )
    return _GOOD


_ACTIONS: dict[str, Callable[[Mapping[str, str]], int]] = {
    "on": _on,
    "off": _off,
    "reboot": _reboot,
    "status": _status,
    "monitor": _monitor,
    "list": _list,
    "validate-all": _validate,
    "metadata": _metadata,
}


if __name__ == "__main__":
    sys.exit(main())
