"""A link that runs in a test, and who dials it: a machine, a page, somebody signed in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from devices.pairing import Paired
from floor.database import Connection, Pool
from floor.doorbell import Doorbell
from floor.link import Link
from floor.people import add_user, find_user
from floor.settings import Settings
from floor.signin import open_session
from queueing import journal
from queueing.halls import Hall

PATIENCE_S = 20.0
Frame = dict[str, Any]


@dataclass
class Running:
    """A link that runs in this test, and how to reach it."""

    link: Link
    settings: Settings
    bell: Doorbell
    stop: asyncio.Event

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def at(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.settings.link_port}{path}"


@asynccontextmanager
async def link_running(settings: Settings, pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    stop, link = asyncio.Event(), Link(settings, pool, redis)
    task = asyncio.create_task(link.run(stop))
    await until(lambda: link.pumps.ready)
    try:
        yield Running(link, settings, Doorbell(redis), stop)
    finally:
        stop.set()
        await task


async def until(true: Callable[[], Any]) -> None:
    for _ in range(int(PATIENCE_S * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def caught_up(db: Connection, hall: Hall, running: Running) -> None:
    """Wait until the link has told and announced all that happened so far."""
    running.bell.ring(hall.id)
    pump, newest = running.link.pumps.of[hall.id], (await journal.top(db, hall.id)).offset
    await until(lambda: pump.feeds is not None and pump.feeds.position == newest == pump.announced)


async def hear(line: ClientConnection, *types: str) -> Frame:
    """The next frame of one of these types."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame: Frame = msgspec.json.decode(await line.recv())
            if frame["type"] in types:
                return frame


async def closed_with(line: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE_S + 4):
        while True:
            try:
                await line.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None


@asynccontextmanager
async def machine(running: Running, paired: Paired, feed: Frame | None = None) -> AsyncIterator[ClientConnection]:
    """A device that has been welcomed."""
    async with connect(
        running.at("/devices/link"), subprotocols=[Subprotocol("hall.v1")], compression=None,
        additional_headers={"Authorization": f"Device {paired.device_id}:{paired.secret}"},
    ) as line:  # fmt: skip
        hello = {
            "type": "hello", "id": 1, "boot": "b1", "agent": "1.0", "caps": ["say", "print", "ask_rating"],
            "at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        await line.send(msgspec.json.encode(hello | ({"feed": feed} if feed else {})).decode())
        yield line


def page(running: Running, view: str, token: str | None = None, *, origin: str | None = "own", more: str = "") -> connect:
    headers = {"Cookie": f"hall_session={token}"} if token else {}
    return connect(
        running.at(f"/pages/link?hall=demo&view={view}{more}"), subprotocols=[Subprotocol("hall.page.v1")], compression=None,
        origin=running.origin if origin == "own" else origin, additional_headers=headers,  # type: ignore[arg-type]
    )  # fmt: skip


async def sign_in(db: Connection, hall: Hall, username: str, *roles: str, zone: str | None = None) -> str:
    await add_user(db, hall.id, username, "no password", name="李雷", roles=roles, zone=zone)
    user = await find_user(db, username)
    assert user is not None
    return (await open_session(db, user)).token


async def refused(dialled: connect) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await dialled
    return refusal.value.response.status_code


# ---- one act, everybody hears
