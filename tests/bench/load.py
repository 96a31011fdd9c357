"""A load generator that costs less than what it measures: plain sockets, one request in flight each, HTTP/1.1 kept alive."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

Request = Callable[[], bytes]


@dataclass(frozen=True)
class Load:
    """What a run gave: requests per second, seconds of each, and how many were answered outside the 2xx class."""

    rate: float
    took: list[float]
    bad: int
    first_bad: bytes


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: Request, until: float, done: "asyncio.Future[None]"):
        self.request, self.until, self.done = request, until, done
        self.took: list[float] = []
        self.bad, self.first_bad, self._buffer, self._sent = 0, b"", b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self.transport.write(self.request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < content_length(head):
            return
        now = time.perf_counter()
        self.took.append(now - self._sent)
        if not self._buffer.startswith(b"HTTP/1.1 2"):
            self.bad += 1
            self.first_bad = self.first_bad or self._buffer[:400]
        self._buffer = b""
        if now < self.until:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def drive(port: int, request: Request, clients: int, seconds: float) -> Load:
    """Ask `port` on this machine with `clients` connections for so many seconds."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    protocols = []
    for _ in range(clients):
        protocol = Client(request, began + seconds, loop.create_future())
        await loop.create_connection(lambda protocol=protocol: protocol, "127.0.0.1", port)  # type: ignore[misc]
        protocols.append(protocol)
    await asyncio.wait_for(asyncio.gather(*(p.done for p in protocols)), seconds + 20)
    took = [seconds for p in protocols for seconds in p.took]
    bad = sum(p.bad for p in protocols)
    return Load(len(took) / (time.perf_counter() - began), took, bad, next((p.first_bad for p in protocols if p.bad), b""))
