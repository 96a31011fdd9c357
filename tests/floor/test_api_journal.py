"""The record over HTTP, read and followed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import Message

from floor.api import journal
from floor.database import Connection
from tests.floor.conftest import Client, SignsIn
from tests.floor.visits import HALL, at, opened, said, take


async def test_offsets_are_dense_and_pages_follow_each_other(desk: Client, manager: Client) -> None:
    for _ in range(5):
        await take(desk)
    first = (await manager.get(f"{HALL}/journal?limit=3")).json()
    rest = (await manager.get(f"{HALL}/journal?limit=3&after={first['next']}")).json()
    assert [row["offset"] for row in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert (first["epoch"], first["next"], rest["next"]) == ("k3", 3, None)
    assert (await manager.get(f"{HALL}/journal?after=5")).json()["items"] == []


async def test_the_record_is_for_manager_and_auditor(desk: Client, anyone: Client, sign_in: SignsIn) -> None:
    assert said(await desk.get(f"{HALL}/journal")) == (403, "not_allowed")
    assert said(await anyone.get(f"{HALL}/journal/stream")) == (401, "not_signed_in")
    assert (await (await sign_in("auditor")).get(f"{HALL}/journal")).status_code == 200


async def test_every_act_of_a_visit_is_in_the_record(desk: Client, clerk: Client, manager: Client) -> None:
    await take(desk)
    await opened(clerk)
    for act in ("next", "recall", "arrive", "finish"):
        await at(clerk, "1", act)
    rows = (await manager.get(f"{HALL}/journal")).json()["items"]
    assert [(row["kind"], row["actor"]) for row in rows] == [
        ("ticket.taken", "desk:desk01"), ("window.opened", "clerk:clerk01"), ("ticket.called", "clerk:clerk01"),
        ("ticket.recalled", "clerk:clerk01"), ("ticket.arrived", "clerk:clerk01"), ("ticket.finished", "clerk:clerk01"),
    ]  # fmt: skip


class Stream:
    """A reader of server-sent events, straight on the application: HTTP clients for tests wait for the end of a body."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.asked = False
        self.buffer = b""

    async def receive(self) -> Message:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def event(self) -> tuple[str, str, Any]:
        """The next event: id, name and data."""
        while b"\n\n" not in self.buffer:
            message = await asyncio.wait_for(self.sent.get(), 5)
            assert message.get("more_body") is not False, "the stream has ended"
            self.buffer += message.get("body", b"")
        text, _, self.buffer = self.buffer.partition(b"\n\n")
        if text.startswith(b":"):
            return await self.event()
        fields = dict(line.split(": ", 1) for line in text.decode().split("\n"))
        return fields["id"], fields["event"], json.loads(fields["data"])


@asynccontextmanager
async def following(app: Starlette, client: Client, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    stream = Stream()
    sent = {**client.headers, "accept": "text/event-stream", "host": "hall.test", **headers}
    scope = {
        "type": "http", "method": "GET", "path": f"{HALL}/journal/stream", "query_string": query.encode(), "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()], "client": ("10.0.0.5", 1),
        "server": ("hall.test", 80), "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    task = asyncio.create_task(app(scope, stream.receive, stream.sent.put))
    try:
        yield stream
    finally:
        stream.gone.set()
        await asyncio.wait_for(task, 5)


async def test_a_stream_tells_where_it_stands_what_was_and_what_happens(app: Starlette, desk: Client, manager: Client) -> None:
    await take(desk)
    async with following(app, manager) as stream:
        assert await stream.event() == ("k3:0", "position", {"epoch": "k3", "offset": 0})
        first = await stream.event()
        assert (first[0], first[1], first[2]["data"]["ticket"]) == ("k3:1", "ticket.taken", "A001")
        await take(desk)
        assert (await stream.event())[2]["data"]["ticket"] == "A002"
    assert app.state.streams == 0


async def test_a_reader_that_comes_back_misses_nothing_and_repeats_nothing(app: Starlette, desk: Client, manager: Client) -> None:
    for _ in range(3):
        await take(desk)
    async with following(app, manager, **{"last-event-id": "k3:2"}) as stream:
        assert [(await stream.event())[0] for _ in range(2)] == ["k3:2", "k3:3"]
    async with following(app, manager, **{"last-event-id": "k2:2"}) as stream:
        assert [(await stream.event())[0] for _ in range(2)] == ["k3:0", "k3:1"]
    async with following(app, manager, "after=3") as stream:
        assert (await stream.event())[0] == "k3:3"


async def test_a_new_epoch_begins_the_stream_anew(app: Starlette, desk: Client, manager: Client, db: Connection) -> None:
    await take(desk)
    async with following(app, manager, "after=1") as stream:
        await stream.event()
        await db.execute("UPDATE hall_streams SET epoch = 'k4'")
        assert (await stream.event())[2] == {"epoch": "k4", "offset": 0}
        assert (await stream.event())[0] == "k4:1"


async def test_a_stream_ends_with_the_sign_in_it_began_with(app: Starlette, manager: Client) -> None:
    async with following(app, manager) as stream:
        await stream.event()
        await manager.delete("/api/v1/sessions/current")
        ended = await asyncio.wait_for(last(stream), journal.PROVE_S + 2)
        assert ended == b""


async def last(stream: Stream) -> bytes:
    while True:
        message = await stream.sent.get()
        if message.get("more_body") is False:
            body: bytes = message["body"]
            return body
