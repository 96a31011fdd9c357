"""A gateway on a real port with a hall of its own, and devices that speak to it over real websockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from devices import wire
from devices.errors import PressRefused
from devices.gateway import SERVER, Following, Gateway, Lent, choose_version
from devices.jobs import Job
from devices.pairing import Paired
from devices.registry import Device
from floor.database import Pool

ORIGIN = "http://hall.test"


@dataclass
class SmallHall:
    """A feed of counted events, kept whole, and a rating box that takes each press once."""

    epoch: str = "k3"
    events: list[wire.Event] = field(default_factory=list)
    presses: dict[str, dict[str, Any]] = field(default_factory=dict)
    reprints: list[Job] = field(default_factory=list)
    rung: list[int] = field(default_factory=list)
    leases: list[wire.Lease] = field(default_factory=list)
    tickets: dict[int, wire.IssuedTicket] = field(default_factory=dict)

    @property
    def offset(self) -> int:
        return len(self.events)

    def next_event(self) -> bytes:
        data = {"call": f"cl_{self.epoch}_{self.offset + 1}", "ticket": "A001", "window": "1", "recall": 0}
        event = wire.Event(prev=self.offset, offset=self.offset + 1, kind="called", at=datetime.now(UTC), data=data)
        self.events.append(event)
        return wire.encode(event)

    def follow(self, device: Device, position: wire.Position | None) -> Following:
        if position and position.epoch == self.epoch and 0 <= self.offset - position.offset <= wire.RESUME_EVENTS:
            return Following(self.epoch, self.offset, True, [wire.encode(e) for e in self.events[position.offset :]])
        board: dict[str, Any] = {"lines": [], "waiting": {}, "notices": []}
        snapshot = wire.Snapshot(epoch=self.epoch, offset=self.offset, board=board)
        return Following(self.epoch, self.offset, False, [wire.encode(snapshot)])

    async def press(self, device: Device, press: wire.Press) -> dict[str, Any] | None:
        if press.what != "rating":
            raise PressRefused("not_allowed", "This device only rates.")
        return self.presses.setdefault(press.press, {"taken": len(self.presses) + 1})

    async def lent(self, device: Device) -> Lent:
        return Lent(max(self.tickets, default=0), self.leases)

    async def accept(self, device: Device, issued: wire.Issued) -> int:
        if device.kind != "dispenser":
            raise PressRefused("not_allowed", "Only a dispenser gives out numbers.")
        self.tickets |= {ticket.seq: ticket for ticket in issued.tickets}
        return max(self.tickets, default=0)

    def owed(self, job: Job) -> None:
        self.reprints.append(job)

    def ring(self, hall: int) -> None:
        self.rung.append(hall)


@dataclass
class Running:
    """The gateway, its hall, and its port."""

    gateway: Gateway
    hall: SmallHall
    port: int

    def dial(self, credential: str | None, **more: Any) -> Any:
        headers = {"Authorization": f"Device {credential}"} if credential is not None else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/devices/link{more.pop('query', '')}",
            subprotocols=more.pop("subprotocols", [wire.VERSION]), compression=None, ping_interval=None, proxy=None,
            additional_headers={**headers, **more.pop("headers", {})}, **more,
        )  # fmt: skip

    @asynccontextmanager
    async def live(self, paired: Paired, **hello: Any) -> AsyncIterator["Client"]:
        """A device that has greeted."""
        async with self.dial(f"{paired.device_id}:{paired.secret}") as connection:
            client = Client(connection)
            await client.greet(**hello)
            yield client


@asynccontextmanager
async def running(pool: Pool, *, dials: int = 30) -> AsyncIterator[Running]:
    hall = SmallHall()
    gateway = Gateway(pool, hall, lambda host: ORIGIN, dials=dials)
    keeping = asyncio.create_task(gateway.keep())
    async with serve(
        gateway.serve, "127.0.0.1", 0, process_request=gateway.doorway.check, select_subprotocol=choose_version, **SERVER
    ) as server:
        yield Running(gateway, hall, server.sockets[0].getsockname()[1])
        assert not keeping.done()
    keeping.cancel()
    await asyncio.wait([keeping])


@dataclass
class Client:
    """The other end, frame by frame."""

    connection: ClientConnection
    id: int = 0
    welcome: dict[str, Any] = field(default_factory=dict)

    async def send(self, type: str, **fields: Any) -> int:
        self.id += 1
        await self.connection.send(msgspec.json.encode({"type": type, "id": self.id, **fields}).decode())
        return self.id

    async def hear(self, within: float = 5) -> dict[str, Any]:
        frame: dict[str, Any] = msgspec.json.decode(await asyncio.wait_for(self.connection.recv(), within))
        return frame

    async def hear_until(self, *types: str, within: float = 5) -> dict[str, Any]:
        while (frame := await self.hear(within))["type"] not in types:
            pass
        return frame

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        """Send a frame and give what answers it."""
        number = await self.send(type, **fields)
        while (frame := await self.hear()).get("re") != number:
            pass
        return frame

    async def greet(self, caps: Sequence[str] = ("say", "print"), **more: Any) -> None:
        at = datetime.now(UTC).isoformat()
        self.welcome = await self.ask("hello", boot="b1", agent="1.0", caps=list(caps), at=at, **more)

    async def report(self, job: str, state: str, **more: Any) -> dict[str, Any]:
        return await self.ask("job_report", job=job, state=state, at=datetime.now(UTC).isoformat(), **more)

    async def beat(self) -> dict[str, Any]:
        return await self.ask("beat", sent=datetime.now(UTC).isoformat(), state="online")

    async def closed(self, within: float = 10) -> int:
        """The code the hall closes with."""
        try:
            async with asyncio.timeout(within):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code or 0


def narrow_socket(port: int) -> socket.socket:
    """A TCP connection whose kernel holds little: it shows a slow reader soon."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(True)
    narrow.connect(("127.0.0.1", port))
    narrow.setblocking(False)
    return narrow
