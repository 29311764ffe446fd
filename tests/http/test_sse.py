"""Live changes: what a reader is told, and what is not lost."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from castalia.api.sse import ChangeFeed
from castalia.model.event import Change


def change(id: str = "1", verb: str = "updated", **data: object) -> Change:
    return Change(noun="vm", id=id, verb=verb, data=data)


def parsed(text: bytes) -> list[tuple[str, str, dict[str, object]]]:
    """(id, name, data) of each event in a piece of a stream."""
    events = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            events.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return events


async def opened(feed: ChangeFeed, **options: object) -> tuple[AsyncIterator[bytes], bytes]:
    feed.open()
    stream = feed.stream(**options)  # type: ignore[arg-type]  # the test's options are right
    return stream, await anext(stream)


def test_a_reader_gets_changes_as_they_happen() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        stream, _ = await opened(feed)
        feed.publish(change(state="running"))
        ((_, name, data),) = parsed(await anext(stream))
        assert name == "vm"
        assert data == {"id": "1", "verb": "updated", "noun": "vm", "data": {"state": "running"}}

    asyncio.run(run())


def test_changes_from_other_threads_arrive() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        stream, _ = await opened(feed)
        await asyncio.to_thread(feed.publish, change("7"))
        assert parsed(await anext(stream))[0][2]["id"] == "7"

    asyncio.run(run())


def test_a_slow_reader_gets_the_latest_of_each_object() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        stream, _ = await opened(feed)
        feed.publish(change("new", "created", name="web1"))
        for percent in range(5000):
            feed.publish(change("a", percent=percent))
        feed.publish(change("new", state="running"))
        await asyncio.sleep(0)
        events = [data for _, _, data in parsed(await anext(stream))]
        assert [(e["id"], e["verb"], e["data"]) for e in events] == [
            ("a", "updated", {"percent": 4999}),
            ("new", "created", {"name": "web1", "state": "running"}),
        ]

    asyncio.run(run())


def test_who_comes_back_gets_what_was_missed() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        stream, greeting = await opened(feed)
        last_id = parsed(greeting)[0][0]
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        feed.publish(change("missed"))
        await asyncio.sleep(0)
        again = feed.stream(last_id=last_id)
        assert parsed(await anext(again)) == []
        assert parsed(await anext(again))[0][2]["id"] == "missed"

    asyncio.run(run())


@pytest.mark.parametrize("last_id", ["other-3", "nonsense", "-", "-1", "other-"])
def test_who_comes_back_from_another_time_is_told_to_load_again(last_id: str) -> None:
    async def run() -> None:
        _, greeting = await opened(ChangeFeed(), last_id=last_id)
        assert [name for _, name, _ in parsed(greeting)] == ["resync"]

    asyncio.run(run())


def test_who_missed_more_than_is_remembered_is_told_to_load_again() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        _, greeting = await opened(feed)
        last_id = parsed(greeting)[0][0]
        for number in range(1001):
            feed.publish(change(str(number)))
        await asyncio.sleep(0)
        assert parsed(await anext(feed.stream(last_id=last_id)))[0][1] == "resync"

    asyncio.run(run())


def test_silence_is_filled_with_comments() -> None:
    async def run() -> None:
        stream, _ = await opened(ChangeFeed(), heartbeat_s=0.001)
        assert (await anext(stream)).startswith(b":")

    asyncio.run(run())


def test_closing_ends_every_stream() -> None:
    async def run() -> None:
        feed = ChangeFeed()
        streams = [(await opened(feed))[0] for _ in range(3)]
        waiting = [asyncio.ensure_future(_rest(stream)) for stream in streams]
        await asyncio.sleep(0)
        await asyncio.to_thread(feed.close_soon)
        assert await asyncio.gather(*waiting) == [b"", b"", b""]

    asyncio.run(run())


async def _rest(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


def test_a_stream_does_not_outlive_its_time() -> None:
    async def run() -> None:
        stream, _ = await opened(ChangeFeed(), lifetime_s=0.0)
        assert await _rest(stream) == b""

    asyncio.run(run())


def test_nothing_is_lost_and_nothing_breaks_before_the_server_runs() -> None:
    ChangeFeed().publish(change())
