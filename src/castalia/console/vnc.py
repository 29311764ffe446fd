"""The screen: VNC between a WebSocket and the hypervisor's socket. No TCP port is opened."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from castalia.console.bridge import Watch, admit, bytes_of, finished, guarded, until_first_ends
from castalia.http.security import public
from castalia.model.vm import Vm

router = APIRouter()
_CHUNK_BYTES = 64 * 1024
_WHY = "the ticket, good once and for seconds only, is the pass"
Ticket = Annotated[str, Query(max_length=200)]


@router.websocket("/console/vms/{id}/vnc", dependencies=[public(_WHY)])
async def vnc(websocket: WebSocket, id: str, ticket: Ticket = "") -> None:
    """A VM's screen, keyboard and mouse."""
    await guarded(websocket, _session(websocket, id, ticket))


async def _session(websocket: WebSocket, id: str, ticket: str) -> None:
    vm, allowed = await admit(websocket, id=id, kind="vnc", ticket=ticket)
    async with _screen(websocket, vm) as (reader, writer):
        watch = Watch(allowed)
        await until_first_ends(
            _to_browser(reader, websocket, watch),
            _to_screen(websocket, writer, watch),
            watch.run(),
        )


@asynccontextmanager
async def _screen(
    websocket: WebSocket, vm: Vm
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """The VM's VNC server as a pair of streams."""
    opening = websocket.app.state.services.consoles.open_graphics(vm)
    descriptor = await run_in_threadpool(opening.__enter__)
    try:
        connected = socket.socket(fileno=os.dup(descriptor))
        reader, writer = await asyncio.open_connection(sock=connected)
        try:
            yield reader, writer
        finally:
            writer.close()
    finally:
        await finished(partial(opening.__exit__, None, None, None))


async def _to_browser(reader: asyncio.StreamReader, websocket: WebSocket, watch: Watch) -> None:
    """Sending waits for a slow browser, and then nothing more is read from the screen."""
    while data := await reader.read(_CHUNK_BYTES):
        watch.touch()
        await websocket.send_bytes(data)


async def _to_screen(websocket: WebSocket, writer: asyncio.StreamWriter, watch: Watch) -> None:
    while True:
        data = bytes_of(dict(await websocket.receive()))
        watch.touch()
        writer.write(data)
        await writer.drain()
