"""The socket under one device's link: it dials, reads, writes and keeps the time; what it means is `devices.client`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from devices import clock, wire
from devices.backoff import NEVER
from devices.client import Dial, Hang, Link, LinkState, Moved, Send, Step
from devices.clock import Moment

log = structlog.get_logger()

OPEN_S = 10.0
SEND_S = 5.0
LARGEST = 1024 * 1024  # bytes of a frame from the hall; a board of a whole hall stays far below

Input = Callable[[Moment], list[Step]]


@dataclass(frozen=True)
class Address:
    """Where to dial and as whom; of the secrets the first that the hall takes is reported by `took`."""

    link: str
    device: str
    secrets: Callable[[], tuple[str, ...]]
    took: Callable[[str], None]


class Line:
    """One device's connection, again and again; `perform` does the steps that are not the socket's."""

    def __init__(self, name: str, address: Address, link: Link, perform: Callable[[Step], None]) -> None:
        self._name, self._address, self._link, self._perform = name, address, link, perform
        self._inputs: asyncio.Queue[Input] = asyncio.Queue()
        self._dialling: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None

    def feed(self, event: Input) -> None:
        """Something happened on the device: the link is told in its turn."""
        self._inputs.put_nowait(event)

    async def run(self) -> str:
        """Lives until the hall says to stay away; returns why. Beats come from this very loop, so a hung program is seen."""
        try:
            while True:
                for step in await self._next():
                    await self._do(step)
                    if isinstance(step, Moved) and step.state is LinkState.STOPPED:
                        return step.why
        finally:
            self._hang()

    async def _next(self) -> list[Step]:
        due = self._link.next_tick
        wait_s = None if due == NEVER else max(0.0, due - clock.now().mono)
        try:
            async with asyncio.timeout(wait_s):
                event = await self._inputs.get()
        except TimeoutError:
            return self._link.tick(clock.now())
        return event(clock.now())

    async def _do(self, step: Step) -> None:
        match step:
            case Send(frame):
                await self._send(frame)
            case Dial():
                self._dialling = asyncio.create_task(self._hold())
            case Hang(why):
                log.warning("link dropped", device=self._name, why=why)
                self._hang()
            case Moved(state, why):
                tell = log.info if why else log.debug  # fifty devices that come up as they should are no news
                tell("link", device=self._name, state=str(state), why=why or None)
                self._perform(step)
            case _:
                self._perform(step)

    async def _send(self, frame: bytes) -> None:
        if self._socket is None:
            return
        with contextlib.suppress(ConnectionClosed):  # the reader is telling the link so
            try:
                async with asyncio.timeout(SEND_S):
                    await self._socket.send(frame, text=True)
            except TimeoutError:
                self._socket.transport.abort()

    def _hang(self) -> None:
        if self._dialling:
            self._dialling.cancel()
        if self._socket:
            self._socket.transport.abort()
        self._dialling = self._socket = None

    async def _hold(self) -> None:
        """One connection from the dial to its end."""
        link, mine = self._link, asyncio.current_task()

        def tell(event: Input) -> None:
            self.feed(lambda now: event(now) if self._dialling is mine else [])

        try:
            socket = await self._dial()
        except InvalidStatus as refusal:
            status, after = refusal.response.status_code, refusal.response.headers.get("Retry-After", "")
            tell(lambda now: link.refused(status, now, float(after) if after.isdigit() else None))
        except (OSError, TimeoutError, InvalidHandshake) as error:
            log.debug("dial failed", device=self._name, error=str(error))
            tell(lambda now: link.refused(None, now))
        else:
            self._socket = socket
            tell(link.opened)
            with contextlib.suppress(ConnectionClosed):
                while True:
                    frame = await socket.recv()
                    tell(lambda now, frame=frame: link.received(frame, now))  # type: ignore[misc]
            code = socket.close_code
            tell(lambda now: link.closed(None if code == 1006 else code, now))

    async def _dial(self) -> ClientConnection:
        """Tries the newest secret, and the one before it when the hall doesn't know the newest. InvalidHandshake, OSError."""
        secrets = self._address.secrets()
        for nth, secret in enumerate(secrets, 1):
            try:
                socket = await connect(
                    self._address.link,
                    subprotocols=[wire.VERSION],  # type: ignore[list-item]
                    additional_headers={"Authorization": f"Device {self._address.device}:{secret}"},
                    compression=None,
                    open_timeout=OPEN_S,
                    close_timeout=1,
                    ping_interval=None,
                    max_size=LARGEST,
                    proxy=None,
                )
            except InvalidStatus as refusal:
                if refusal.response.status_code == 401 and nth < len(secrets):
                    continue
                raise
            self._address.took(secret)
            return socket
        raise OSError("this device has no secret")
