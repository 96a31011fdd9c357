"""The cable to control cards, TCP or serial: one talk at a time, and the cable is dialled anew after a break.

Several strips may hang on one cable (RS-485, or a converter on the network); drivers of one program that name the same
place share it, so that their frames never mix and each keeps the pause its strips need after a write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger()

T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PORT = 5005
PAUSE_S = 0.1  # a strip on a serial line loses what comes sooner after a write


class Trouble(Exception):
    """The strip did not take it; `state` is the word for it in the device's health, `detail` one more where there is one."""

    def __init__(self, state: str, detail: str | None = None) -> None:
        super().__init__(state)
        self.state, self.detail = state, detail


class Cable:
    """One place: `tcp://HOST[:PORT]`, or `serial:///dev/ttyUSB0`, `serial://COM3`. ValueError for another."""

    def __init__(self, place: str, baud: int) -> None:
        url = urlsplit(place)
        if url.scheme not in ("tcp", "serial") or not (url.netloc or url.path):
            raise ValueError(f"a strip hangs on tcp://HOST:PORT or serial:///dev/NAME, not {place}")
        self.place, self.baud = place, baud
        self.log_frames = False  # one device that wants them logged has all of the place's logged
        self.is_serial = url.scheme == "serial"
        self._host, self._port = url.hostname or "", (url.port or PORT) if not self.is_serial else 0
        self._device = url.path or url.netloc
        self._users = 0
        self.connections = 0  # grows with each; a card that was dialled anew may have forgotten its text
        self._streams: Streams | None = None
        self._turn = asyncio.Lock()

    def hold(self) -> None:
        """A driver that uses it is opened."""
        self._turn = self._turn if self._users else asyncio.Lock()
        self._users += 1

    async def release(self) -> None:
        """A driver that uses it is closed; the last one hangs up."""
        self._users -= 1
        if self._users == 0:
            await self._hang()

    async def talk(self, frame: bytes, answer: Callable[[bytes], T | None] | None, wait_s: float) -> T | None:
        """Sends a frame and reads until `answer` makes something of what came; without it nothing is awaited. Trouble."""
        async with self._turn:
            try:
                async with asyncio.timeout(wait_s):
                    reader, writer = self._streams = self._streams or await self._dial()
            except OSError as error:  # a time-out is one too
                raise Trouble("offline") from error
            try:
                self._note("to", frame)
                writer.write(frame)
                async with asyncio.timeout(wait_s):
                    await writer.drain()
                if self.is_serial:
                    await asyncio.sleep(PAUSE_S)
                async with asyncio.timeout(wait_s):
                    return await self._read(reader, answer) if answer else None
            except TimeoutError as error:
                await self._hang()  # so that a late answer isn't taken for the next one's
                raise Trouble("silent") from error
            except OSError as error:
                await self._hang()
                raise Trouble("offline") from error

    async def _hang(self) -> None:
        """A serial port is free for the next only once it is wholly closed."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
            with suppress(OSError):  # how it broke is told where it broke
                async with asyncio.timeout(1):
                    await streams[1].wait_closed()

    async def _dial(self) -> Streams:
        """OSError."""
        if not self.is_serial:
            streams = await asyncio.open_connection(self._host, self._port)
        else:
            streams = await _open_serial(self._device, self.baud)
        self.connections += 1
        return streams

    async def _read(self, reader: asyncio.StreamReader, answer: Callable[[bytes], T | None]) -> T:
        while True:
            data = await reader.read(1024)
            if not data:
                raise ConnectionAbortedError("the card hung up")
            self._note("from", data)
            found = answer(data)
            if found is not None:
                return found

    def _note(self, way: str, data: bytes) -> None:
        if self.log_frames:
            log.info("strip frame", place=self.place, way=way, hex=data.hex(" "))


async def _open_serial(device: str, baud: int) -> Streams:
    """OSError. The library is only loaded where there is a serial line."""
    import serialx

    try:
        return await serialx.open_serial_connection(url=device, baudrate=baud)
    except serialx.SerialException as error:
        raise OSError(str(error)) from error


CABLES: dict[str, Cable] = {}


def cable_to(place: str, baud: int, log_frames: bool) -> Cable:
    """The cable to this place, the same for every driver of this program. ValueError."""
    cable = CABLES.get(place)
    if cable is None:
        cable = CABLES[place] = Cable(place, baud)
    if cable.baud != baud:
        raise ValueError(f"{place} has {cable.baud} baud for another device")
    cable.log_frames = cable.log_frames or log_frames
    return cable
