"""Live changes for browsers and programs: server-sent events, one stream for all nouns.

A slow reader costs one entry per changed object: an object's newer change replaces the one that
still waits. A reader that comes back says what it saw last; if that is no longer known, it is told
to load everything again (`resync`).
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from castalia.model.event import Change

HEARTBEAT_S = 15.0
LIFETIME_S = 900.0
"""A stream ends after this time and the browser comes back, so that a session that was ended does
not listen on."""
_REMEMBERED = 1000


@dataclass(frozen=True, kw_only=True)
class _Numbered:
    number: int
    change: Change


class ChangeFeed:
    """Hands every change to all open streams of this process."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._recent: deque[_Numbered] = deque(maxlen=_REMEMBERED)
        self._readers: set[_Reader] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def open(self) -> None:
        """Call on the event loop before the first change."""
        self._loop = asyncio.get_running_loop()

    def publish(self, change: Change) -> None:
        """Callable from any thread; never blocks, and does nothing before `open`."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver, change)

    @property
    def closed(self) -> bool:
        """Whether the server ends; consoles look at it too."""
        return self._closed

    def close_soon(self) -> None:
        """Ends all streams; callable from any thread or signal handler."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close)

    def close(self) -> None:
        """Ends all streams; call on the event loop."""
        self._closed = True
        for reader in self._readers:
            reader.wake.set()

    async def stream(
        self,
        *,
        last_id: str = "",
        heartbeat_s: float = HEARTBEAT_S,
        lifetime_s: float = LIFETIME_S,
    ) -> AsyncIterator[bytes]:
        """The stream for one reader, who saw `last_id` before, from now on."""
        reader = _Reader()
        self._readers.add(reader)
        try:
            yield self._greeting(reader, last_id)
            ends = asyncio.get_running_loop().time() + lifetime_s
            while not self._closed and asyncio.get_running_loop().time() < ends:
                yield await self._next(reader, heartbeat_s)
        finally:
            self._readers.discard(reader)

    async def _next(self, reader: "_Reader", heartbeat_s: float) -> bytes:
        try:
            await asyncio.wait_for(reader.wake.wait(), heartbeat_s)
        except TimeoutError:
            return b": still here\n\n"
        return b"".join(self._written(item) for item in reader.take())

    def _deliver(self, change: Change) -> None:
        self._number += 1
        item = _Numbered(number=self._number, change=change)
        self._recent.append(item)
        for reader in self._readers:
            reader.put(item)

    def _greeting(self, reader: "_Reader", last_id: str) -> bytes:
        """What was missed, or the order to load again."""
        intro = b"retry: 2000\n\n"
        if not last_id:
            return intro + _event("hello", {}, id=self._id(self._number))
        epoch, _, number = last_id.partition("-")
        oldest = self._recent[0].number if self._recent else self._number + 1
        if epoch != self._epoch or not number.isdecimal() or int(number) < oldest - 1:
            return intro + _event("resync", {}, id=self._id(self._number))
        for item in self._recent:
            if item.number > int(number):
                reader.put(item)
        return intro

    def _written(self, item: _Numbered) -> bytes:
        change = item.change
        data = {"id": change.id, "verb": change.verb, "noun": change.noun, "data": change.data}
        return _event(change.noun, data, id=self._id(item.number))

    @property
    def position(self) -> str:
        """Where the stream is: a page that was made now has missed what comes after it."""
        return self._id(self._number)

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"


class _Reader:
    """What waits for one stream."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._waiting: dict[tuple[str, str], _Numbered] = {}

    def put(self, item: _Numbered) -> None:
        key = (item.change.noun, item.change.id)
        before = self._waiting.pop(key, None)
        self._waiting[key] = item if before is None else _merged(before, item)
        self.wake.set()

    def take(self) -> list[_Numbered]:
        items = list(self._waiting.values())
        self._waiting.clear()
        self.wake.clear()
        return items


def _merged(before: _Numbered, item: _Numbered) -> _Numbered:
    """An object that was made and changed at once is still news to whoever saw neither."""
    if before.change.verb == "created" and item.change.verb == "updated":
        data = before.change.data | item.change.data
        return replace(item, change=replace(item.change, verb="created", data=data))
    return item


def _event(name: str, data: dict[str, Any], *, id: str) -> bytes:
    text = json.dumps(data, separators=(",", ":"), default=str)
    return f"id: {id}\nevent: {name}\ndata: {text}\n\n".encode()
