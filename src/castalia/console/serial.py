"""The serial line, both ways. One reader at a time: who comes with `force` takes it over."""

import asyncio
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from castalia.console.bridge import (
    Watch,
    admit,
    bytes_of,
    finished,
    guarded,
    threads,
    until_first_ends,
)
from castalia.errors import Conflict
from castalia.http.security import public
from castalia.hypervisor.driver import SerialStream

router = APIRouter()
_POLL_S = 0.5
_WHY = "the ticket, good once and for seconds only, is the pass"
Ticket = Annotated[str, Query(max_length=200)]


@router.websocket("/console/vms/{id}/serial", dependencies=[public(_WHY)])
async def serial(
    websocket: WebSocket, id: str, ticket: Ticket = "", *, force: bool = False
) -> None:
    """A VM's serial console, as bytes; text is taken too."""
    await guarded(websocket, _session(websocket, id, ticket, force=force))


async def _session(websocket: WebSocket, id: str, ticket: str, *, force: bool) -> None:
    vm, allowed = await admit(websocket, id=id, kind="serial", ticket=ticket)
    consoles = websocket.app.state.services.consoles
    holder = Holder.of(websocket)
    taken = await holder.take(vm.id, force=force)
    try:
        stream = await run_in_threadpool(consoles.open_serial, vm, force=force)
        try:
            watch = Watch(allowed)
            await until_first_ends(
                _to_browser(stream, websocket, watch),
                _to_guest(websocket, stream, watch),
                _until_taken(taken),
                watch.run(),
            )
        finally:
            await finished(stream.close)
    finally:
        holder.leave(vm.id, taken)


class Holder:
    """Who has which serial console in this process, so that the one who loses it is told why."""

    def __init__(self) -> None:
        self._taken: dict[str, asyncio.Event] = {}
        self._left: dict[asyncio.Event, asyncio.Event] = {}

    @classmethod
    def of(cls, websocket: WebSocket) -> "Holder":
        """The app's one."""
        state = websocket.app.state
        if not hasattr(state, "serial_holder"):
            state.serial_holder = cls()
        holder: Holder = state.serial_holder
        return holder

    async def take(self, vm_id: str, *, force: bool) -> asyncio.Event:
        """Returns an event that is set when somebody takes the console over.

        Raises Conflict if somebody has it, unless `force`; then waits until that one has left.
        """
        while (before := self._taken.get(vm_id)) is not None:
            if not force:
                raise Conflict("Somebody else has this console.", code="console.taken")
            left = self._left[before]
            before.set()
            await left.wait()
        mine = self._taken[vm_id] = asyncio.Event()
        self._left[mine] = asyncio.Event()
        return mine

    def leave(self, vm_id: str, mine: asyncio.Event) -> None:
        """Gives the console up."""
        if self._taken.get(vm_id) is mine:
            del self._taken[vm_id]
        self._left.pop(mine).set()


async def _until_taken(taken: asyncio.Event) -> None:
    await taken.wait()
    raise Conflict("Somebody else took this console over.", code="console.taken")


async def _to_browser(stream: SerialStream, websocket: WebSocket, watch: Watch) -> None:
    read = partial(stream.read, timeout_s=_POLL_S)
    while True:
        try:
            data = await to_thread.run_sync(read, limiter=threads)
        except EOFError:
            return
        if data:
            watch.touch()
            await websocket.send_bytes(data)


async def _to_guest(websocket: WebSocket, stream: SerialStream, watch: Watch) -> None:
    while True:
        data = bytes_of(dict(await websocket.receive()))
        watch.touch()
        await to_thread.run_sync(stream.write, data, limiter=threads)
