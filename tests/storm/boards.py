"""The boards of the storm: own clients of hall.v1, as a maker of boards would write one, that note what they showed when."""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import Close
from websockets.typing import Subprotocol

from tests.storm.evidence import BoardRecord, Probe, Seen
from tests.storm.hall import Hall

BEAT_S = 5.0
CALLS = ("called", "recalled")


async def pair(hall: Hall, token: str, kind: str, zone: str | None, name: str) -> tuple[str, str]:
    """A new device of the hall: its id and its secret."""
    async with httpx2.AsyncClient(base_url=hall.webs[0], timeout=10) as web:
        body = {"kind": kind, "name": name, **({"zone": zone} if zone else {})}
        made = await web.post("/api/v1/halls/demo/devices", json=body, headers={"Authorization": f"Bearer {token}"})
        made.raise_for_status()
        paired = await web.post("/devices/pair", json={"code": made.json()["code"], "model": "storm", "agent": "storm"})
        paired.raise_for_status()
        return made.json()["id"], paired.json()["secret"]


def dial(hall: Hall, device: str, secret: str) -> connect:
    return connect(
        f"{hall.link}/devices/link", subprotocols=[Subprotocol("hall.v1")], compression=None, open_timeout=3, ping_interval=None,
        additional_headers={"Authorization": f"Device {device}:{secret}"}, max_size=None, proxy=None,
    )  # fmt: skip


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def hello(feed: dict[str, Any] | None = None) -> str:
    frame = {"type": "hello", "id": 1, "boot": secrets.token_hex(8), "agent": "storm", "caps": [], "at": now()}
    return json.dumps({**frame, **({"feed": feed} if feed else {})})


class Screen:
    """What a board shows: lines by window and people waiting by service."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[str, str]] = {}
        self.waiting: dict[str, int] = {}

    def load(self, board: dict[str, Any]) -> None:
        self.lines = {line["window"]: (line["ticket"], line["state"]) for line in board["lines"]}
        self.waiting = dict(board["waiting"])

    def apply(self, kind: str, data: dict[str, Any]) -> None:
        if kind in CALLS:
            self.lines = {no: line for no, line in self.lines.items() if line[0] != data["ticket"]}
            self.lines[data["window"]] = (data["ticket"], "called")
        elif kind == "arrived":
            self.lines[data["window"]] = (data["ticket"], "serving")
        elif kind == "cleared" and self.lines.get(data["window"], ("", ""))[0] == data["ticket"]:
            del self.lines[data["window"]]
        elif kind == "waiting":
            self.waiting[data["service"]] = data["count"]
        self.waiting.update(data.get("waiting", {}))  # any event may bring along counts that changed with it

    def picture(self) -> tuple[Any, Any]:
        return sorted(self.lines.items()), sorted(self.waiting.items())


class Board:
    """One board that keeps its line whatever happens, and writes down each change."""

    def __init__(self, hall: Hall, device: str, secret: str, view: str, luck: random.Random):
        self.hall, self.device, self.secret, self.luck = hall, device, secret, luck
        self.record = BoardRecord(device, view)
        self.screen = Screen()
        self.position: dict[str, Any] | None = None
        self.away = asyncio.Event()  # set: the cable is out
        self._line: ClientConnection | None = None
        self._id = 1
        self._resyncing = False

    async def run(self) -> None:
        while True:
            if not self.away.is_set():
                with contextlib.suppress(OSError, TimeoutError, WebSocketException, EOFError):
                    await self._one_connection()
            await asyncio.sleep(0.2 + 0.3 * self.luck.random())

    async def cut(self, seconds: float) -> None:
        """Pull the cable for a while: no close frame, nothing."""
        self.away.set()
        if self._line is not None:
            self._line.transport.abort()
        await asyncio.sleep(seconds)
        self.away.clear()

    async def _one_connection(self) -> None:
        async with dial(self.hall, self.device, self.secret) as line:
            self._line, self._id, self._resyncing = line, 1, False
            await line.send(hello(self.position))
            beats = asyncio.create_task(self._beat(line))
            try:
                async for frame in line:
                    await self._read(line, json.loads(frame), time.time())
            except ConnectionClosed as closed:
                self.record.closes.append(closed.rcvd.code if isinstance(closed.rcvd, Close) else 1006)
            finally:
                beats.cancel()

    async def _beat(self, line: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(BEAT_S)
                offset = self.position["offset"] if self.position else 0
                beat = {"type": "beat", "id": self._next(), "sent": now(), "offset": offset, "state": "online", "parts_rev": 0}
                await line.send(json.dumps(beat))
                await line.send(json.dumps({"type": "got", "offset": offset}))

    def _next(self) -> int:
        self._id += 1
        return self._id

    async def _read(self, line: ClientConnection, frame: dict[str, Any], at: float) -> None:
        match frame["type"]:
            case "snapshot":
                self.position = {"epoch": frame["epoch"], "offset": frame["offset"]}
                self.screen.load(frame["board"])
                self._resyncing = False
                self._note(at, "snapshot", {})
            case "event" if self.position is not None:
                await self._event(line, frame, at)
            case "config" | "rotate":
                await line.send(json.dumps({"type": "ok", "re": frame["id"]}))

    async def _event(self, line: ClientConnection, frame: dict[str, Any], at: float) -> None:
        """The device rule of the protocol, to the letter."""
        assert self.position is not None
        if frame["offset"] <= self.position["offset"] or self._resyncing:
            return
        if frame["prev"] != self.position["offset"]:
            self._resyncing = True
            await line.send(json.dumps({"type": "resync", "id": self._next()}))
            return
        self.position["offset"] = frame["offset"]
        self.screen.apply(frame["kind"], frame["data"])
        self._note(at, frame["kind"], frame["data"])

    def _note(self, at: float, kind: str, data: dict[str, Any]) -> None:
        assert self.position is not None
        seen = Seen(at, self.position["epoch"], self.position["offset"], kind, data.get("ticket"), data.get("window"))
        self.record.seen.append(seen)

    async def compare(self) -> None:
        """How this board stands beside what a board that has just been switched on is shown."""
        spare = Board(self.hall, self.device, self.secret, self.record.view, self.luck)
        self.record.final = self.screen.picture()
        async with dial(self.hall, self.device, self.secret) as line:  # the newer connection wins, ours is closed 4502
            await line.send(hello())
            while spare.position is None:
                await spare._read(line, json.loads(await asyncio.wait_for(line.recv(), 5)), 0.0)
        self.record.fresh = spare.screen.picture()


async def stop_reading(hall: Hall, device: str, secret: str, seconds: float) -> str:
    """A board that greets, asks for more than it takes, and never reads. How its line ended."""
    async with dial(hall, device, secret) as line:
        await line.send(hello())
        await line.recv()
        line.transport.pause_reading()
        began, n, ended = time.monotonic(), 1, "open"
        while time.monotonic() - began < seconds and ended == "open":
            n += 1
            try:
                await asyncio.wait_for(line.send(json.dumps({"type": "resync", "id": n})), 1)
            except (ConnectionClosed, TimeoutError):
                ended = "closed"
            await asyncio.sleep(0.06)
        line.transport.resume_reading()
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                await asyncio.wait_for(line.recv(), 1)
        return str(line.close_code or ended)


def nested(depth: int) -> str:
    return '{"type":"press","id":2,"press":"p","what":"rating","data":' + '{"a":' * depth + "1" + "}" * depth + "}"


# Thrown after a good hello: what, and how the line may end. "open" means answered and alive.
BYTES: tuple[tuple[str, list[str | bytes], tuple[str, ...]], ...] = (
    ("malformed json", ['{"type":"beat"'], ("open",)),
    ("three broken frames", ["{", "[", "nope"], ("4504",)),
    ("deep nesting", [nested(5000)], ("open", "1009", "4504")),
    ("a frame of 1 MB", ["x" * 1_000_000], ("1009",)),
    ("a binary frame", [b"\x00\xff\x00"], ("open", "1003", "4504")),
    ("wrong types", ['{"type":"beat","id":"one","sent":5,"state":[]}'], ("open",)),
    ("an unknown type", ['{"type":"dance","id":2}'], ("open",)),
    ("1000 frames at once", [json.dumps({"type": "resync", "id": n}) for n in range(2, 1002)], ("4005", "4002")),
    ("a second hello", [hello()], ("open",)),
)


async def throw(hall: Hall, device: str, secret: str) -> list[Probe]:
    """Every kind of nonsense, each on a line of its own, and last a board that does not read."""
    probes = [
        Probe(name, allowed, await settled(lambda frames=frames: throw_one(hall, device, secret, frames)))  # type: ignore[misc]
        for name, frames, allowed in BYTES
    ]
    slow = await settled(lambda: stop_reading(hall, device, secret, seconds=6))
    return [*probes, Probe("never reads", ("4002", "open"), slow)]  # in six seconds the pipes between us may still hold it all


# How a line ends by the storm's own doing: the link was killed, or Postgres was away while the hall greeted the board. A 4001
# of any other cause leaves a line in the link's log, which is judged.
STORMED = ("1006", "4001")
AGAIN_S = 1.0


async def settled(attempt: Callable[[], Awaitable[str]]) -> str:
    """How it ends when no fault of the storm is in the way; asked again as long as one is, fifteen times at most."""
    ended = "never tried"
    for _ in range(15):
        try:
            ended = await attempt()
        except (OSError, WebSocketException, TimeoutError, EOFError) as fault:
            ended = repr(fault)
        if ended == "open" or (ended.isdigit() and ended not in STORMED):
            return ended
        await asyncio.sleep(AGAIN_S)
    return ended


async def throw_one(hall: Hall, device: str, secret: str, frames: list[str | bytes]) -> str:
    try:
        async with dial(hall, device, secret) as line:
            await line.send(hello())
            await asyncio.wait_for(line.recv(), 3)
            for frame in frames:
                await line.send(frame)
            with contextlib.suppress(TimeoutError):
                while True:
                    await asyncio.wait_for(line.recv(), 0.7)
            return "open"
    except ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else 1006)
