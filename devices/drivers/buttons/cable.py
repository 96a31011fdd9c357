"""A line to a small machine: serial, a serial server on the network, or USB HID. It comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import serialx
import structlog

log = structlog.get_logger()

AGAIN_S = 1.0  # between two tries to reach a machine that is away
LOOK_MS = 200  # how long one look at a HID device takes; it has no other way to be waited for
ADDRESSES = "serial:///dev/ttyUSB0, tcp://HOST:PORT, hid:///dev/hidraw0 or hid://VENDOR:PRODUCT"
GONE = (OSError, ConnectionError, serialx.SerialException, asyncio.IncompleteReadError)


class End(Protocol):
    """Our end of an open line."""

    async def read(self) -> bytes:
        """The next bytes; none when the machine is gone. OSError, SerialException."""

    def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


def read_address(address: str) -> SplitResult:
    """ValueError for an address no small machine has."""
    place = urlsplit(address)
    if place.scheme not in ("serial", "tcp", "hid") or not (place.netloc or place.path):
        raise ValueError(f"the machine must be at {ADDRESSES}, not {address}")
    if place.scheme == "hid" and place.netloc:
        _hid_ids(place)
    return place


class Cable:
    """`heard` gets every piece of bytes, `changed` is told when the machine comes or goes."""

    def __init__(self, address: str, baud: int, heard: Callable[[bytes], None], changed: Callable[[], None]) -> None:
        self.place, self._baud, self._heard, self._changed = read_address(address), baud, heard, changed
        self._end: End | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def present(self) -> bool:
        return self._end is not None

    async def open(self) -> None:
        """Reaches the machine if it is there, and goes on trying."""
        first = asyncio.Event()
        self._life = asyncio.create_task(self._live(first))
        await first.wait()

    async def close(self) -> None:
        if self._life:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life

    def send(self, data: bytes) -> None:
        """To the machine if it is there; what it would have shown is forgotten if not."""
        if self._end is None or not data:
            return
        try:
            self._end.write(data)
        except GONE as error:
            log.info("machine took nothing", place=self.place.geturl(), error=str(error))

    async def _live(self, first: asyncio.Event) -> None:
        while True:
            try:
                async with self._reached() as end:
                    self._end = end
                    self._changed()
                    first.set()
                    while data := await end.read():
                        self._heard(data)
            except GONE as error:
                log.debug("machine away", place=self.place.geturl(), error=str(error))
            finally:
                was, self._end = self._end, None
                if was:
                    self._changed()
                first.set()
            await asyncio.sleep(AGAIN_S)

    @contextlib.asynccontextmanager
    async def _reached(self) -> AsyncIterator[End]:
        end: End
        match self.place.scheme:
            case "serial":
                end = Stream(*await serialx.open_serial_connection(self.place.netloc + self.place.path, self._baud))
            case "tcp":
                end = Stream(*await asyncio.open_connection(self.place.hostname, self.place.port))
            case _ if self.place.netloc:
                end = await Hid.reach(*_hid_ids(self.place))
            case _:
                end = Node(self.place.path)
        try:
            yield end
        finally:
            await end.close()


class Stream:
    """A serial line or a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: Any) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(1024)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def close(self) -> None:
        self._writer.close()


class Node:
    """The system's node of a USB HID device: each read is one report."""

    def __init__(self, path: str) -> None:
        self._node = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._node, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._node)
        return os.read(self._node, 64)

    def write(self, data: bytes) -> None:
        os.write(self._node, data)

    async def close(self) -> None:
        os.close(self._node)


class Hid:
    """A USB HID device by its ids, through hidapi; its blocking reads have a thread of their own."""

    def __init__(self, device: Any, thread: ThreadPoolExecutor) -> None:
        self._device, self._thread = device, thread

    @classmethod
    async def reach(cls, vendor: int, product: int) -> Hid:
        import hid

        thread = ThreadPoolExecutor(1, thread_name_prefix="hid")
        device = hid.device()
        try:
            await asyncio.get_running_loop().run_in_executor(thread, device.open, vendor, product)
        except OSError:
            thread.shutdown(wait=False)
            raise
        return cls(device, thread)

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            if report := await loop.run_in_executor(self._thread, self._device.read, 64, LOOK_MS):
                return bytes(report)

    def write(self, data: bytes) -> None:
        self._device.write(data)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._device.close)
        self._thread.shutdown(wait=False)


def _hid_ids(place: SplitResult) -> tuple[int, int]:
    vendor, _, product = place.netloc.partition(":")
    try:
        return int(vendor, 16), int(product, 16)
    except ValueError:
        raise ValueError(f"hid://{place.netloc} must name vendor and product as four hex digits each") from None
