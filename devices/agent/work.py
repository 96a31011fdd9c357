"""The jobs of one device, one after the other: written down, done, confirmed, written down, told."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

import structlog

from devices import wire
from devices.agent.ledger import Page
from devices.drivers import Ending, Hall, Job, Worker

log = structlog.get_logger()

Tell = Callable[[Job, wire.JobState, Ending | None], None]


class Work:
    """Jobs in the order the hall wants and made them; `tell` brings a state to the hall."""

    def __init__(self, name: str, driver: Worker, page: Page, hall: Hall, tell: Tell) -> None:
        self._name, self._driver, self._page, self._hall, self._tell = name, driver, page, hall, tell
        self._waiting: list[tuple[int, int, str, Job]] = []
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, job: Job) -> None:
        heapq.heappush(self._waiting, (job.order, _rank(job.job), job.job, job))
        self._more.set()

    async def run(self) -> None:
        while True:
            await self._more.wait()
            while self._waiting:
                job = heapq.heappop(self._waiting)[3]
                self._idle.clear()
                self._finish(job, await self._do(job))
                self._idle.set()
            self._more.clear()

    async def rest(self, seconds: float) -> None:
        """Lets the job under way come to its end, for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("stopped in the middle of a job", device=self._name)

    async def _do(self, job: Job) -> Ending:
        """Waits until the machine is ready or the job is too old, then begins it: from here on it happens once."""
        try:
            async with asyncio.timeout((job.expires - self._hall.now()).total_seconds()):
                await self._driver.ready(job)
        except TimeoutError:
            return Ending("expired", "not_ready_in_time")
        if self._hall.now() >= job.expires:
            return Ending("expired", "too_late")
        self._page.begin(job, self._hall.now())
        self._tell(job, "started", None)
        try:
            return await self._driver.act(job, len(self._waiting))
        except (KeyError, TypeError, ValueError):
            log.exception("job cannot be done as it is", device=self._name, job=job.job, kind=job.kind)
            return Ending("failed", "bad_job")

    def _finish(self, job: Job, ending: Ending) -> None:
        self._page.end(job, ending, self._hall.now())
        self._tell(job, ending.state, ending)
        log.info("job", device=self._name, job=job.job, kind=job.kind, state=ending.state, reason=ending.reason)


def _rank(job: str) -> int:
    """jb_92 comes after jb_9; an id of another form comes first, in the order of its arrival."""
    digits = job.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0
