"""One machine of this program: paired with the hall, linked to it, and doing its jobs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import structlog

from devices import clock, wire
from devices.agent import VERSION
from devices.agent.boots import instant
from devices.agent.config import AgentConfig, DeviceConfig
from devices.agent.dispenser import OURS, Dispenser
from devices.agent.ledger import Identity, Ledger, Page
from devices.agent.line import Address, Line
from devices.agent.page import serve_page
from devices.agent.pairing import pair
from devices.agent.work import Work
from devices.client import (
    Alarm,
    Answered,
    Apply,
    Configure,
    Do,
    Fresh,
    Home,
    Keep,
    Lend,
    Link,
    LinkState,
    Moved,
    Show,
    Stale,
    Step,
)
from devices.drivers import Answer, Ending, Job, Named, Screen, Worker, chosen, make

log = structlog.get_logger()

LASTING = ("rating",)  # presses that mean the same later; a `next` or a `take` does not
LOOK_S = 0.5
LAST_JOB_S = 2.0  # how long a job under way may take when the program is told to stop
NOT_PAIRED = "not paired"


class Device:
    """Stands between the link and the driver, and is the hall to the driver."""

    def __init__(self, config: DeviceConfig, agent: AgentConfig, ledger: Ledger) -> None:
        self.config, self.agent, self.ledger = config, agent, ledger
        self.name = config.name
        self.driver = make(config.kind, config.name, config.settings, self)
        self.disk: str | None = None  # how the box's disk is, of the machine that speaks for the box
        self._since: dict[str, tuple[str, datetime]] = {}
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._link: Link | None = None
        self._line: Line | None = None
        self._work: Work | None = None
        self._page: Page | None = None
        self.dispenser: Dispenser | None = None  # of one that can go on alone, once it is paired

    # ---- the hall, as the driver sees it

    @property
    def state(self) -> Path:
        return self.agent.state

    def now(self) -> datetime:
        return self._link.hall_time(clock.now()) if self._link else clock.now().wall

    def printer_state(self) -> str:
        return str(self.driver.parts().get("printer", {}).get("state", "unknown"))

    @property
    def firmware(self) -> str:
        """What the machine says it is; where it says nothing, the driver and its version."""
        told = self.driver.fw if isinstance(self.driver, Named) else None
        return told or f"{chosen(self.config.kind, self.config.settings)} {VERSION}"

    def health_changed(self) -> None:
        link, line = self._link, self._line
        if link and line:
            parts, link.fw = self._parts(), self.firmware
            line.feed(lambda now: link.show_health(parts, now))

    def disk_is(self, state: str) -> None:
        """How the disk of this computer is now."""
        if state != self.disk:
            self.disk = state
            self.health_changed()

    async def press(self, what: str, data: Mapping[str, Any], within_s: float | None = None) -> Answer:
        link, line, page = self._link, self._line, self._page
        if link is None or line is None or page is None:
            return Answer("try_later")
        press = f"pr_{uuid.uuid4().hex}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[press] = answer
        if what in LASTING:
            page.keep_press(press, what, data, self.now())
        line.feed(lambda now: link.press(what, dict(data), now, press)[1])
        try:
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            self._asked.pop(press, None)
            link.forget(press)
            return Answer("try_later")

    # ---- its life

    async def run(self) -> None:
        """Pairs, lives, and pairs anew after it was revoked; ends only by being cancelled."""
        await self.driver.open()
        try:
            async with self._own_page():
                await self._live_on()
        finally:
            await self.driver.close()

    @asynccontextmanager
    async def _own_page(self) -> AsyncIterator[None]:
        """The page of its kiosk's browser, where it has one."""
        if self.config.page is None:
            yield
            return
        async with serve_page(self, self.config.page):
            yield

    async def _live_on(self) -> None:
        while True:
            identity = self.ledger.identity(self.name) or await pair(self.agent, self.config, self.ledger)
            why = await self._live(identity)
            log.error("the hall says to stay away", device=self.name, why=why)
            if why != NOT_PAIRED:
                await asyncio.Event().wait()
            self.ledger.forget_identity(self.name)

    async def rest(self) -> None:
        """Lets the job under way end before the program does."""
        if self._work:
            await self._work.rest(LAST_JOB_S)

    async def _live(self, identity: Identity) -> str:
        """One identity's life; returns why the hall ended it."""
        self._page = page = self.ledger.page(identity.device)
        interrupted = page.settle_interrupted(self.now())
        link = Link(ledger=page, agent=VERSION, caps=sorted(self.driver.caps), fw=self.firmware)
        if self.config.page is not None:
            self._go_alone(link, identity)
        link.parts = self._parts()
        self._line = line = Line(self.name, self._address(identity), link, self._perform)
        self._link = link
        for job in interrupted:
            log.warning("job was interrupted", device=self.name, job=job)
            line.feed(lambda now, job=job: link.report(job, "uncertain", now, reason="interrupted"))  # type: ignore[misc]
        for press, what, data in page.presses(self.now()):
            line.feed(lambda now, press=press, what=what, data=data: link.press(what, data, now, press)[1])  # type: ignore[misc]
        async with asyncio.TaskGroup() as together:
            beside = [together.create_task(self._working(page)), together.create_task(self._looking())]
            why = await line.run()
            for task in beside:
                task.cancel()
        self._link = self._line = self._work = self._page = self.dispenser = None
        return why

    def _go_alone(self, link: Link, identity: Identity) -> None:
        numbers = self.ledger.numbers(identity.device)
        link.caps, link.issued = [*link.caps, "lease"], numbers.newest
        self.dispenser = Dispenser(self.name, numbers, self._print, instant)

    def _print(self, job: Job) -> None:
        assert self._work is not None, "papers are printed while the device lives"
        self._work.add(replace(job, expires=job.expires + (self.now() - clock.now().wall)))
        if self.dispenser is not None and self.dispenser.live:
            self._bring(self.dispenser.home(None))

    async def _looking(self) -> None:
        """A dispenser notices by itself that the hall has been silent for too long, or that a deadline has come."""
        while self.dispenser is not None:
            if self.dispenser.look():
                self.health_changed()
            await asyncio.sleep(LOOK_S)

    async def _working(self, page: Page) -> None:
        if self.driver.caps:
            self._work = Work(self.name, cast(Worker, self.driver), page, self, self._tell)
            if self.dispenser is not None:
                self.dispenser.recover(lambda job: report.state if (report := page.last_report(job)) else None)
            await self._work.run()

    def _address(self, identity: Identity) -> Address:
        def secrets() -> tuple[str, ...]:
            now = self.ledger.identity(self.name)
            return now.secrets if now else identity.secrets

        return Address(
            link=self.config.link or self.agent.link or identity.link,
            device=identity.device,
            secrets=secrets,
            took=lambda secret: self.ledger.settle_secret(self.name, secret) if len(secrets()) > 1 else None,
        )

    def _tell(self, job: Job, state: wire.JobState, ending: Ending | None) -> None:
        link, line = self._link, self._line
        if job.job.startswith(OURS):
            if ending is not None and self.dispenser is not None:
                self.dispenser.printed(job, ending)
        elif link and line:
            detail, reason = (dict(ending.detail) or None, ending.reason) if ending else (None, None)
            line.feed(lambda now: link.report(job.job, state, now, detail, reason))

    def _perform(self, step: Step) -> None:
        """What the link wants of the machine."""
        match step:
            case Do(job) if self._work:
                self._work.add(Job(job.job, job.kind, job.key, job.expires, job.data))
            case Show(_, board) if not self.driver.caps:  # a button box at a window is told of its board too
                cast(Screen, self.driver).show(board)
            case Apply(event, flash) if not self.driver.caps:
                cast(Screen, self.driver).follow(event.kind, event.data, flash)
            case Stale() | Fresh() if not self.driver.caps:
                cast(Screen, self.driver).stale(isinstance(step, Stale))
            case Moved(state) if self.dispenser is not None and self._link is not None:
                self.dispenser.patience_s = 2 * self._link.beat_s
                self.dispenser.moved(state is LinkState.LIVE, self._link.silent_s(clock.now()))
                self.health_changed()
            case Lend(lease) if self.dispenser is not None and self._link is not None:
                self.dispenser.lend(lease, timedelta(seconds=self._link.clock.seconds))
                self.health_changed()
            case Home(through) if self.dispenser is not None:
                self._bring(self.dispenser.home(through))
            case Configure(_, data):
                self.driver.configure(data)
            case Keep(secret):
                self.ledger.keep_next_secret(self.name, secret)
            case Answered(press, data, error):
                self._answered(press, Answer(error.code) if error else Answer(data=data or {}))
            case Alarm(message):
                log.error("alarm", device=self.name, message=message)

    def _bring(self, tickets: Sequence[wire.IssuedTicket]) -> None:
        self.health_changed()
        link, line = self._link, self._line
        if tickets and link and line:
            line.feed(lambda now: link.bring(tickets, now))

    def _answered(self, press: str, answer: Answer) -> None:
        if self._page is not None:
            self._page.forget_press(press)
        asked = self._asked.pop(press, None)
        if asked and not asked.done():
            asked.set_result(answer)

    def _parts(self) -> dict[str, wire.Part]:
        """The driver's parts, each with the moment since when it is so."""
        parts = {}
        own = self.dispenser.parts() if self.dispenser else {}
        own |= {"disk": {"state": self.disk}} if self.disk else {}
        for part, health in {**self.driver.parts(), **own}.items():
            state = str(health["state"])
            if self._since.get(part, ("", None))[0] != state:
                self._since[part] = (state, self.now())
            parts[part] = wire.Part(state=state, since=self._since[part][1], detail=health.get("detail"))
        return parts
