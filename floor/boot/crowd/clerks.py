"""The clerks: they sit down, call the next visitor, wait for the slow ones, serve, and go to lunch in turns."""

from typing import Any

from floor.boot.crowd import day
from floor.boot.crowd.citizens import Citizens
from floor.boot.crowd.front import Answer, Front
from floor.boot.crowd.listener import Listener

LUNCH_MIN = (12 * 60, 12 * 60 + 30)  # odd windows first, even ones after them
LUNCH_LASTS_MIN = 30
STANDING_BY = (3, 6)  # of A and B, the longest queues at the peaks: they work where the manager opens a window for them
LEADER = "manager"  # may close a window over people still waiting


class Clerk:
    """One clerk and the window she sits at."""

    def __init__(self, front: Front, citizens: Citizens, listener: Listener, chance: day.Chance, number: int):
        self.front, self.citizens, self.listener, self.chance, self.clock = front, citizens, listener, chance, front.clock
        self.name, self.window, self.number = f"clerk{number:02d}", str(number), number
        self.services: list[str] = []
        self._held: list[tuple[float, str]] = []
        self._seated = self._eaten = False

    async def work(self) -> None:
        """The whole shift, from sitting down to the last visitor."""
        await self.clock.sleep_real(self.chance.between(0, 4))
        await self.front.sign_in(self.name)
        while not self.clock.over.is_set():
            if not self._seated and not await self.sit_down():
                # Somebody else sits there, or nobody has asked for her yet.
                await self.clock.sleep(10 if self.number in STANDING_BY else 300, at_least_s=5)
                continue
            await self.have_lunch()
            if not await self.take_back_held() and not await self.call():
                await self.clock.sleep(self.chance.between(3, 12), at_least_s=1)

    async def at_window(self, act: str, body: dict[str, Any] | None = None, who: str | None = None) -> Answer:
        path = f"/api/v1/halls/{self.front.hall}/windows/{self.window}/{act}"
        return await self.front.act(who or self.name, act, path, body or {})

    async def sit_down(self) -> bool:
        if self.number in STANDING_BY:
            return await self.find_seat()
        return await self.open()

    async def find_seat(self) -> bool:
        """Whether one of the windows kept back was opened for her; another's turns her away."""
        for row in self.front.seen.get("windows", []):
            if int(row["no"]) in STANDING_BY and row["state"] != "closed":
                self.window = row["no"]
                if await self.open():
                    return True
        return False

    async def open(self) -> bool:
        answer = await self.at_window("open")
        self._seated = answer.ok
        self.services = answer.body.get("services", []) if answer.ok else []
        return self._seated

    async def stand_up(self) -> None:
        """End of the crowd: let go of whoever is at the window and close it."""
        if not self._seated:
            return
        answer = await self.at_window("close")
        if answer.code in ("window_busy", "not_in_that_state"):
            await self.at_window("finish", {"outcome": "done"})
            answer = await self.at_window("close")
        if answer.code == "still_waiting":
            await self.at_window("close", {"override": True, "reason": "下班"}, who=LEADER)

    async def have_lunch(self) -> None:
        start = LUNCH_MIN[self.number % 2 == 0]
        due = start <= self.clock.minute < start + LUNCH_LASTS_MIN
        if due and not self._eaten and (await self.at_window("pause", {"reason": "午休"})).ok:
            await self.clock.sleep((start + LUNCH_LASTS_MIN - self.clock.minute) * 60)
            await self.at_window("resume")
        self._eaten = due

    async def take_back_held(self) -> bool:
        """Who was sent to make a copy is served before the next number."""
        if not self._held or self._held[0][0] > self.clock.elapsed_s:
            return False
        _, number = self._held.pop(0)
        if (await self.at_window("resume-held", {"number": number})).ok:
            await self.serve(number)
        return True

    async def call(self) -> bool:
        """Call the next visitor, if there is one, and see the visit through."""
        if not self.front.waiting(self.services) and not self.chance.happens(0.1):
            return False  # nobody on the screen; now and then press all the same, for transfers to this window
        answer = await self.at_window("next")
        if answer.code == "window_busy":  # a visitor from before a restart
            await self.at_window("finish", {"outcome": "done"})
        elif answer.code == "window_not_open":
            self._seated = False
        if answer.status != 200:
            return False
        number = answer.body["ticket"]["number"]
        self.listener.expect(number)
        if await self.meet(number):
            await self.serve(number)
        return True

    async def meet(self, number: str) -> bool:
        """Wait for the visitor to come, call again once, and give up when the hall's rules allow it."""
        if not self.chance.happens(day.DEAF_TO_CALLS + day.COMES_ON_RECALL):
            await self.clock.sleep(self.chance.between(8, 40))
            return (await self.at_window("arrive")).ok
        await self.clock.sleep(45)
        await self.at_window("recall")
        if self.chance.happens(day.COMES_ON_RECALL / (day.DEAF_TO_CALLS + day.COMES_ON_RECALL)):
            await self.clock.sleep(self.chance.between(8, 30))
            return (await self.at_window("arrive")).ok
        await self.clock.sleep(30)
        while not self.clock.over.is_set():
            answer = await self.at_window("no-show")
            if answer.code != "too_early":
                break
            await self.clock.sleep_real(1)
        if answer.ok and answer.body.get("state") == "missed":
            self.citizens.send(self.citizens.return_to_line(number))
        return False

    async def serve(self, number: str) -> None:
        """One visit at the window, to whichever end it comes."""
        await self.clock.sleep(self.chance.service_s(number))
        if self.chance.happens(day.HELD):
            kind = self.chance.luck.choice(("with_papers", "without_papers", "waiting"))
            if (await self.at_window("hold", {"kind": kind})).ok:
                self._held.append((self.clock.elapsed_s + self.chance.between(240, 900), number))
            return
        if self.chance.happens(day.TRANSFERRED):
            others = [code for code in day.MINUTES if code not in self.services]
            body = {"to_service": self.chance.luck.choice(others), "position": "front"}
            await self.at_window("transfer", body)
            return
        answer = await self.at_window("finish", {"outcome": self.chance.pick(day.OUTCOMES)})
        while answer.ok and answer.body.get("state") == "serving":  # the next of several matters, at this window
            await self.clock.sleep(self.chance.service_s(number))
            answer = await self.at_window("finish", {"outcome": "done"})
        if answer.ok and answer.body.get("state") == "finished":
            self.citizens.send(self.citizens.rate(number))
