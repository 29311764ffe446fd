"""What both consoles share: the way in by ticket, pumping both ways, and the way out with a reason.

Close codes are 4000 plus the HTTP status of what happened: 4401 a ticket that is no longer good,
4403 another site's page, 4404 the VM or its console is gone, 4408 nothing was said for an hour,
4409 somebody else has the console, 4503 the host is not reachable.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from anyio import CancelScope, CapacityLimiter
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from castalia.errors import CastaliaError, NotFound
from castalia.http.problems import close_with
from castalia.http.security import check_origin
from castalia.model.vm import Vm

IDLE_S = 3600.0
RECHECK_S = 10.0
IDLE_CODE = 4408
SUBPROTOCOL = "binary"
MAX_CONSOLES = 200


class Idle(Exception):
    """Neither side said anything for too long."""


class Watch:
    """Notes traffic, and raises Idle when there is none, and what `allowed` raises when whoever
    opened the console may not use it any more."""

    def __init__(
        self,
        allowed: Callable[[], None],
        *,
        idle_s: float = IDLE_S,
        recheck_s: float | None = None,
    ) -> None:
        self._allowed = allowed
        self._idle_s = idle_s
        self._recheck_s = RECHECK_S if recheck_s is None else recheck_s
        self._last = asyncio.get_running_loop().time()

    def touch(self) -> None:
        """Something was said."""
        self._last = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Waits until it has been quiet for too long, or is no longer allowed."""
        while (left := self._last + self._idle_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, self._recheck_s))
            await run_in_threadpool(self._allowed)
        raise Idle


async def admit(
    websocket: WebSocket, *, id: str, kind: str, ticket: str
) -> tuple[Vm, Callable[[], None]]:
    """Accepts the WebSocket and returns the VM that the ticket is for, and what raises
    Unauthenticated once its holder may not use it any more.

    It is accepted before the ticket is looked at, because a browser is told no reason otherwise.
    Raises Forbidden, Unauthenticated or NotFound.
    """
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    check_origin(websocket)
    consoles = websocket.app.state.services.consoles
    redeemed = await run_in_threadpool(consoles.redeem, ticket, kind)
    if redeemed.vm.id != id:
        raise NotFound("The ticket is for another VM.")
    return redeemed.vm, partial(consoles.check, redeemed)


async def until_first_ends(*directions: Coroutine[Any, Any, None]) -> None:
    """Runs all and ends them when one ends; raises what that one raised."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with CancelScope(shield=True):
            await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def guarded(websocket: WebSocket, session: Coroutine[Any, Any, None]) -> None:
    """Runs a console's session and closes the WebSocket with the reason of its end."""
    try:
        await session
        await close(websocket, 4404, "the console ended")
    except (WebSocketDisconnect, ConnectionError, BrokenPipeError):
        await close(websocket, 1000, "")
    except Idle:
        await close(websocket, IDLE_CODE, "nothing was said for an hour")
    except CastaliaError as error:
        if _is_open(websocket):
            await close_with(websocket, error)


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Closes the WebSocket unless the other side did."""
    if _is_open(websocket):
        await websocket.close(code, reason)


def _is_open(websocket: WebSocket) -> bool:
    states = (websocket.client_state, websocket.application_state)
    return WebSocketState.DISCONNECTED not in states


def bytes_of(message: dict[str, Any]) -> bytes:
    """What a client sent, as text or bytes. Raises WebSocketDisconnect at the end."""
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data = message.get("bytes")
    return data if data is not None else (message.get("text") or "").encode()


async def finished(cleanup: Callable[[], object]) -> None:
    """Runs what must be done at the end, even when the request is being cancelled."""
    with CancelScope(shield=True):
        await run_in_threadpool(cleanup)


threads = CapacityLimiter(2 * MAX_CONSOLES)
"""Serial consoles block in threads of their own, so that they do not take those of requests."""
