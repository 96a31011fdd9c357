"""One ear on the doorbell for all who wait in this process for something to happen in a hall."""

import asyncio
import contextlib

from floor.doorbell import Doorbell


class Rings:
    """Wakes waiting requests when their hall rings. Who hears nothing looks anyway after its own time."""

    def __init__(self, doorbell: Doorbell) -> None:
        self.doorbell = doorbell
        self.waiting: dict[int, asyncio.Event] = {}

    async def listen(self) -> None:
        """Runs as long as the process."""
        async for hall in self.doorbell.listen():
            if event := self.waiting.pop(hall, None):
                event.set()

    async def wait(self, hall: int, seconds: float) -> None:
        """Until the hall rings, or that long."""
        event = self.waiting.setdefault(hall, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
