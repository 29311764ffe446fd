"""`castalia vm start` and the other power buttons."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from castalia.cli.failures import CommandFailed, warn
from castalia.cli.options import PlanOnly, Wait, address
from castalia.cli.state import STATE

Timeout = Annotated[float, typer.Option(help="Seconds the guest may take.")]
Force = Annotated[bool, typer.Option(help="Cut the power if it takes longer.")]
_PLAIN = {
    "start": "Start a VM, from its suspended state if it has one.",
    "stop": "Cut a VM's power.",
    "reboot": "Ask the guest to reboot.",
    "reset": "Press the reset button.",
    "pause": "Stop a VM's CPUs; its memory stays.",
    "resume": "Let a paused VM run on.",
    "suspend": "Save a VM's memory to disk and stop it.",
    "discard": "Throw a suspended VM's memory away.",
}


def register(app: typer.Typer) -> None:
    """Adds the commands to `castalia vm`."""
    app.command()(shutdown)
    for action, text in _PLAIN.items():
        app.command(action, help=text)(_command(action))


def shutdown(
    vms: Annotated[list[str], typer.Argument(help="One or more VMs.")],
    timeout: Timeout = 90.0,
    force: Force = False,
    plan: PlanOnly = False,
    wait: Wait = True,
) -> None:
    """Ask the guest to shut down: by its agent, then by ACPI."""
    _press("shutdown", vms, plan=plan, wait=wait, body={"timeout_s": timeout, "force": force})


def _command(action: str) -> Any:
    def press(
        vms: Annotated[list[str], typer.Argument(help="One or more VMs.")],
        plan: PlanOnly = False,
        wait: Wait = True,
    ) -> None:
        _press(action, vms, plan=plan, wait=wait, body={})

    return press


def _press(action: str, vms: list[str], *, plan: bool, wait: bool, body: dict[str, Any]) -> None:
    """Enqueues for all before it waits for the first: they run side by side, and one that is
    refused does not hold the others up."""
    from castalia.cli import follow

    failures: list[CommandFailed] = []
    answers = []
    for vm in vms:
        with _kept(failures):
            path = f"/vms/{address(vm)}/{action}"
            answers.append(STATE.client.change("POST", path, plan=plan, json=body))
    for answer in answers:
        with _kept(failures):
            follow.show_plan(answer) if plan else follow.finish(answer, wait=wait)
    for failure in failures[:-1]:
        warn(failure)
    if failures:
        raise failures[-1]


@contextmanager
def _kept(failures: list[CommandFailed]) -> Iterator[None]:
    try:
        yield
    except CommandFailed as failure:
        failures.append(failure)
