"""The visitors: they take a number, wait, sometimes give up, and say afterwards how it was."""

import asyncio
from collections.abc import Coroutine
from urllib.parse import quote

from floor.boot.crowd import day
from floor.boot.crowd.front import Front

# The crowd's visitors are issued their tickets by the desk: dispensers are devices, each with one print head.
DESK = "desk01"


class Citizens:
    """Everybody who walks in while the crowd lasts."""

    def __init__(self, front: Front, chance: day.Chance):
        self.front, self.chance, self.clock = front, chance, front.clock
        self._about = set[asyncio.Task[None]]()

    async def arrive(self) -> None:
        """Let people in at the day's own rhythm."""
        await self.front.sign_in(DESK)
        while not self.clock.over.is_set():
            await self.clock.sleep(self.chance.gap_s(self.clock.minute))
            if not self.clock.over.is_set() and day.people_per_hour(self.clock.minute) > 0:
                self.send(self.visit())

    def send(self, errand: Coroutine[None, None, None]) -> None:
        """Start an errand and keep it alive; what goes wrong in it ends the crowd loudly."""
        task = asyncio.create_task(errand)
        self._about.add(task)
        task.add_done_callback(self._back)

    def _back(self, task: asyncio.Task[None]) -> None:
        self._about.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.clock.over.set()
            raise SystemExit(f"crowd: an errand failed: {task.exception()!r}")

    async def go_home(self) -> None:
        for task in list(self._about):
            task.cancel()
        await asyncio.gather(*self._about, return_exceptions=True)

    async def visit(self) -> None:
        """Take a number; a few lose patience before it is called."""
        giving = [row["code"] for row in self.front.seen.get("services", []) if row["status"] == "open"]
        services = self.chance.services(giving)
        if not services:
            return
        body = {"services": services, "lang": self.chance.pick(day.LANGUAGES)}
        answer = await self.front.act(DESK, "take", f"/api/v1/halls/{self.front.hall}/tickets", body)
        if not answer.ok:
            return
        key = answer.body["key"]
        self.front.keys[answer.body["number"]] = key
        if self.chance.happens(day.GIVES_UP):
            await self.clock.sleep(self.chance.patience_s())
            await self.front.act(None, "cancel", f"/api/v1/tickets/{quote(key)}/cancel", {})

    async def rate(self, number: str) -> None:
        """Say how it was, by phone, if this visitor is one of those who do."""
        key = self.front.keys.pop(number, None)
        if key is None or not self.chance.happens(day.RATES):
            return
        await self.clock.sleep(self.chance.between(5, 60))
        level = self.chance.pick(day.LEVELS)
        body = {"level": level, "reasons": self.chance.reasons(level)}
        await self.front.act(None, "rate", f"/api/v1/tickets/{quote(key)}/rating", body)

    async def return_to_line(self, number: str) -> None:
        """Who missed the calls asks at the desk, half of the time."""
        key = self.front.keys.get(number)
        if key is None or not self.chance.happens(day.COMES_BACK_TO_DESK):
            return
        await self.clock.sleep(self.chance.between(60, 400))
        await self.front.act(DESK, "restore", f"/api/v1/tickets/{quote(key)}/restore", {"position": "front"})
