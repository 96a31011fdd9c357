"""The hall at the other end of an agent's links, as a test plays it: it pairs, welcomes, gives jobs, and keeps all it hears."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from msgspec import structs
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from devices import wire
from tests.devices.drivers.conftest import eventually

Frame = dict[str, Any]


@dataclass
class Visit:
    """One connection of a device."""

    connection: ServerConnection
    device: str
    secret: str
    heard: list[Frame] = field(default_factory=list)

    async def send(self, message: wire.Message) -> None:
        await self.connection.send(wire.encode(message), text=True)


@dataclass
class Hall:
    """`codes` maps a pairing code to a device id; `secrets` are those it accepts."""

    codes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, set[str]] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    acknowledges: bool = True
    leases: list[wire.Lease] = field(default_factory=list)  # told to everybody who can go on alone; `gen` is put in
    through: int = 0
    takes_in: bool = True  # answers `issued`
    lives: bool = True  # answers /healthz
    busy: bool = False  # lets nobody in
    set_back: timedelta = timedelta()  # what its clock is behind the devices'
    board: Frame = field(default_factory=lambda: {"lines": [], "waiting": {}, "windows": {"3": "open"}, "notices": []})
    web: str = ""
    link: str = ""
    _gen: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)
    _server: Server | None = None

    @property
    def heard(self) -> list[Frame]:
        """All frames of all devices, in order of connection."""
        return [frame for visit in self.visits for frame in visit.heard]

    def reports(self, job: str) -> list[str]:
        """The states a job went through, as told; repeats left out."""
        states = [frame["state"] for frame in self.heard if frame["type"] == "job_report" and frame["job"] == job]
        return list(dict.fromkeys(states))

    def report(self, job: str) -> Frame:
        return [frame for frame in self.heard if frame["type"] == "job_report" and frame["job"] == job][-1]

    async def ended(self, job: str, seconds: float = 15) -> Frame:
        """The last report of a job, once it has an ending."""
        await eventually(lambda: bool(wire.ENDINGS & set(self.reports(job))), seconds)
        return self.report(job)

    async def live(self, count: int = 1) -> Visit:
        """The newest visit, once there were `count` and it has been greeted and has told its health."""
        await eventually(lambda: len(self.visits) >= count and any(f["type"] == "health" for f in self.visits[-1].heard), 15)
        return self.visits[-1]

    async def give(self, visit: Visit, job: str, kind: str, data: Mapping[str, Any], seconds: float = 60) -> None:
        """Sends a job of this connection; `seconds` until it expires."""
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        message = wire.Job(
            gen=len(self.visits), job=job, kind=kind, key=f"{kind}:{job}", expires=expires, attempt=1, data=dict(data)
        )
        await visit.send(message)

    async def serve_link(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        device, _, secret = connection.request.headers["Authorization"].removeprefix("Device ").partition(":")
        visit = Visit(connection, device, secret)
        self.visits.append(visit)
        try:
            async for text in connection:
                frame = json.loads(text)
                visit.heard.append(frame)
                await self._answer(visit, frame)
        except ConnectionClosed:
            return

    async def _answer(self, visit: Visit, frame: Frame) -> None:
        now = datetime.now(UTC) - self.set_back
        match frame["type"]:
            case "issued" if self.takes_in:
                self.through = max(self.through, *(ticket["seq"] for ticket in frame["tickets"]))
                await visit.send(wire.IssuedOk(re=frame["id"], through=self.through))
            case "hello":
                feed = wire.Recovered(epoch="k1", offset=1, recovered=False)
                await visit.send(
                    wire.Welcome(
                        re=frame["id"], gen=len(self.visits), status="live", at=now, beat_s=1, feed=feed, limits=wire.Limits(),
                        issued=self.through if "lease" in frame["caps"] else None,
                    )
                )  # fmt: skip
                await visit.send(wire.Snapshot(epoch="k1", offset=1, board=self.board))
                for lease in self.leases if "lease" in frame["caps"] else ():
                    await visit.send(structs.replace(lease, gen=len(self.visits)))
            case "beat":
                await visit.send(wire.BeatOk(re=frame["id"], recv=now, sent=now))
            case "job_report" | "health" | "press" if self.acknowledges:
                await visit.send(wire.Ok(re=frame["id"]))

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """401 for a secret it does not know."""
        if self.busy:
            return connection.respond(HTTPStatus.INTERNAL_SERVER_ERROR, "away\n")
        device, _, secret = request.headers.get("Authorization", "").removeprefix("Device ").partition(":")
        known = secret in self.secrets.get(device, set())
        return None if known else connection.respond(HTTPStatus.UNAUTHORIZED, "unknown device\n")

    async def serve_pairing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Just enough HTTP for one POST /devices/pair, and for a look whether it lives."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if head.startswith("get"):
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
                b"200 OK" if self.lives else b"502 Bad Gateway"
            ))  # fmt: skip
            await writer.drain()
            writer.close()
            return
        body = json.loads(await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0])))
        device = self.codes.pop(body["code"], None)
        answer: Frame = {"code": "bad_code"}
        if device:
            secret = f"secret-of-{device}-{len(self.secrets)}"
            self.secrets[device] = {secret}
            answer = {"device_id": device, "secret": secret, "link": self.link}
        text = json.dumps(answer).encode()
        status = "201 Created" if device else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def hall_open(port: int = 0, link_port: int = 0) -> AsyncIterator[Hall]:
    """A hall on free ports."""
    hall = Hall()
    pairing = await asyncio.start_server(hall.serve_pairing, "127.0.0.1", port)
    server = await serve(
        hall.serve_link,
        "127.0.0.1",
        link_port,
        subprotocols=[wire.VERSION],  # type: ignore[list-item]
        process_request=hall.admit,
        compression=None,
    )
    hall.web = f"http://127.0.0.1:{pairing.sockets[0].getsockname()[1]}"
    hall.link = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/devices/link"
    try:
        yield hall
    finally:
        pairing.close()
        server.close()
        await server.wait_closed()
