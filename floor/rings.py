"""The web process at the doorbell: it rings after each act, and listens for those who wait for something to happen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from floor.doorbell import Doorbell

GAP_S = 0.005  # between two rings of one hall: whoever hears the second finds everything since the first


class Bell:
    """Rings a hall at once, and then at most every 5 ms: a ring says "look", not what happened.

    At 400 acts a second a ring for each was a quarter of the web process's work.
    """

    def __init__(self, doorbell: Doorbell) -> None:
        self.doorbell = doorbell
        self.quiet: dict[int, bool] = {}  # halls rung less than 5 ms ago, and whether they are owed another ring

    def ring(self, hall: int) -> None:
        """Say that a hall's record has grown."""
        if hall in self.quiet:
            self.quiet[hall] = True
            return
        self.quiet[hall] = False
        self.doorbell.ring(hall)
        asyncio.get_running_loop().call_later(GAP_S, self.again, hall)

    def again(self, hall: int) -> None:
        """The gap is over: ring for what came meanwhile."""
        if self.quiet.pop(hall):
            self.ring(hall)


class Rings:
    """Wakes waiting requests when their hall rings. Who hears nothing looks anyway after its own time.

    It listens only while somebody does: a process without streams should not hear each of its own acts.
    """

    def __init__(self, doorbell: Doorbell) -> None:
        self.doorbell = doorbell
        self.waiting: dict[int, asyncio.Event] = {}
        self.listeners = 0
        self.ear: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[None]:
        """Listen for as long as this lasts."""
        self.listeners += 1
        if self.ear is None:
            self.ear = asyncio.create_task(self.listen())
        try:
            yield
        finally:
            self.listeners -= 1
            if self.listeners == 0:
                await self.close()

    async def listen(self) -> None:
        async for hall in self.doorbell.listen():
            if event := self.waiting.pop(hall, None):
                event.set()

    async def close(self) -> None:
        """Stop listening; a library that swallows a cancellation is asked again."""
        ear, self.ear = self.ear, None
        while ear is not None and not ear.done():
            ear.cancel()
            await asyncio.wait([ear], timeout=0.5)

    async def wait(self, hall: int, seconds: float) -> None:
        """Until the hall rings, or that long."""
        event = self.waiting.setdefault(hall, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
