"""Waits for a VM to become what is wanted."""

import time
from collections.abc import Callable
from typing import Any

from castalia.cli.failures import CommandFailed, Exit
from castalia.cli.options import address
from castalia.cli.state import STATE

_PAUSE_S = 0.3


def await_vm(
    ref: str, wanted: Callable[[dict[str, Any]], Any], *, limit_s: float
) -> dict[str, Any]:
    """The VM, as soon as `wanted` says yes of it. Raises CommandFailed after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while True:
        vm: dict[str, Any] = STATE.client.get(f"/vms/{address(ref)}")
        if wanted(vm):
            return vm
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"{ref} did not come up within {limit_s:g} s; it is {vm['state']}.",
                remedy=f"Look at its console: castalia vm console {ref}",
                code=Exit.TIMED_OUT,
            )
        time.sleep(_PAUSE_S)
