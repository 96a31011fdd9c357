"""Two servers that push a frame to all who are connected: the product's own fan-out, and the barest loop there is.

`python -m tests.bench.fanserver bare|product PORT` prints {"port"}; each line `MARK` on stdin is published to everybody
and answered with {"mark", "sent"} in monotonic seconds.
"""

import asyncio
import base64
import hashlib
import json
import re
import resource
import sys
import time
from datetime import UTC, datetime
from typing import cast

import uvloop
from websockets.asyncio.server import ServerConnection, serve

from devices.fanout import Fanout, Outlet, text_frame
from devices.gateway import SERVER
from devices.wire import Event, encode

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CALL = {"call": "cl_k3_5512", "ticket": "A038", "window": "3", "recall": 0, "waiting": {"A": 17}}


def payload(mark: str) -> bytes:
    """A call as every board gets it, about 200 bytes."""
    return encode(Event(prev=1, offset=2, kind="called", at=datetime.now(UTC), data={**CALL, "call": mark}))


class Bare(asyncio.Protocol):
    """The upgrade, and nothing else."""

    everybody: "set[asyncio.Transport]" = set()  # noqa: RUF012 - the one set of this process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", data)
        if key is None:
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.everybody.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.discard(self.transport)


async def bare(port: int) -> None:
    await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port, backlog=1024)
    async for mark in marks(port):
        sent = time.monotonic()
        raw = text_frame(payload(mark))
        for transport in Bare.everybody:
            transport.write(raw)
        told(mark, sent)


async def product(port: int) -> None:
    fanout = Fanout()

    async def hold(connection: ServerConnection) -> None:
        fanout.join(1, "zone:A", Outlet(connection))
        await connection.wait_closed()

    async with serve(hold, "127.0.0.1", port, backlog=1024, **SERVER):
        async for mark in marks(port):
            sent = time.monotonic()
            fanout.publish(1, "zone:A", payload(mark))
            told(mark, sent)


async def marks(port: int):  # type: ignore[no-untyped-def]
    """What is asked on stdin, line by line, until it is closed."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"port": port}), flush=True)
    while line := await reader.readline():
        yield line.decode().strip()


def told(mark: str, sent: float) -> None:
    print(json.dumps({"mark": mark, "sent": sent}), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run({"bare": bare, "product": product}[sys.argv[1]](int(sys.argv[2])))
